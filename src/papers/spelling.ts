// British spellings as American ones, because writers of both search each other's papers: `optimisation` finds
// `optimization`. Endings by rule, the rest by short lists; a word that a rule gets wrong merely changes into another
// string in texts and queries alike, so the rules only leave out what would part a word from its relatives
// (`supervise` from `supervision`) or make it another word (`improvise` into `improve`).

// At least two syllables before the ending: `organise`, but not `promise`, `raise` or `precise`.
const ise = /^((?:[^aeiouy]*[aeiouy]+[^aeiouy]+){2,})is(e|ed|es|er|ers|ing|able)$/;
const isation = /^(.{3,})is(ation|ations|ational)$/;
const kept = /^(?:superv|improv|telev|comprom|merchand|parad|enterpr|expert|otherw|likew|exerc|franch)$/;
const our =
  /^(arm|behavi|cand|col|demean|endeav|fav|ferv|flav|glam|harb|hon|hum|lab|neighb|od|rig|rum|sav|tum|vap|vig)our/;
const lyse = /^(ana|cata|para|dia|hydro|electro)lys(e|ed|er|ers|ing)$/;
const logue = /^(.{2,})logu(e|es)$/;
const ence = /^(def|off|pret)ence/;
const words: ReadonlyMap<string, string> = new Map([
  ["artefact", "artifact"],
  ["artefacts", "artifacts"],
  ["centre", "center"],
  ["centred", "centered"],
  ["centres", "centers"],
  ["fibre", "fiber"],
  ["fibres", "fibers"],
  ["grey", "gray"],
  ["licence", "license"],
  ["licences", "licenses"],
  ["litre", "liter"],
  ["metre", "meter"],
  ["metres", "meters"],
  ["programme", "program"],
  ["programmes", "programs"],
  ["sceptical", "skeptical"],
  ["sulphur", "sulfur"],
  ["theatre", "theater"],
]);

/** The American spelling of a folded English word; other words as they are. */
export function american(word: string): string {
  const known = words.get(word);
  if (known !== undefined) return known;
  const root = ise.exec(word)?.[1] ?? isation.exec(word)?.[1];
  if (root !== undefined && !kept.test(root)) return `${root}iz${word.slice(root.length + 2)}`;
  return word
    .replace(our, "$1or")
    .replace(lyse, "$1lyz$2")
    .replace(logue, (_, head: string, end: string) => `${head}log${end.slice(1)}`)
    .replace(ence, "$1ense");
}
