// English function words. They carry no topic: left out of keywords, and out of a query that has other words.
const list =
  "a about above after again against all also although am among an and any are as at be because been before being below between both but by can cannot could did do does doing down during each either else et etc few for from further had has have having he hence her here hers him his how however i if in into is it its itself just may me might more most much must my neither no nor not now of off often on once one only onto or other our ours out over own per rather s same she should since so some such t than that the their theirs them then there therefore these they this those though through thus to too toward towards two under until up upon us use used uses using very via was we well were what when where whether which while who whom whose why will with within without would yet you your yours";

/** Whether a folded, unstemmed term is a function word. */
export function isStopWord(term: string): boolean {
  return words.has(term);
}

const words: ReadonlySet<string> = new Set(list.split(" "));
