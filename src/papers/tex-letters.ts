// What TeX's commands for letters, accents and signs stand for: the tables of tex.ts.

/** Combining characters by accent command. */
export const accents: Readonly<Record<string, string>> = {
  "`": "\u0300",
  "'": "\u0301",
  "^": "\u0302",
  "~": "\u0303",
  '"': "\u0308",
  "=": "\u0304",
  ".": "\u0307",
  u: "\u0306",
  v: "\u030c",
  H: "\u030b",
  c: "\u0327",
  k: "\u0328",
  r: "\u030a",
  d: "\u0323",
  b: "\u0331",
};

/** Letters and signs by command, without the backslash. */
export const letters: Readonly<Record<string, string>> = {
  ss: "ß",
  o: "ø",
  O: "Ø",
  l: "ł",
  L: "Ł",
  ae: "æ",
  AE: "Æ",
  oe: "œ",
  OE: "Œ",
  aa: "å",
  AA: "Å",
  i: "ı",
  j: "ȷ",
  dh: "ð",
  DH: "Ð",
  th: "þ",
  TH: "Þ",
  dj: "đ",
  DJ: "Đ",
  ng: "ŋ",
  NG: "Ŋ",
  ldots: "…",
  dots: "…",
  textellipsis: "…",
  textendash: "–",
  textemdash: "—",
  textquoteleft: "‘",
  textquoteright: "’",
  textquotedblleft: "“",
  textquotedblright: "”",
  textquotesingle: "'",
  textquotedbl: '"',
  guillemotleft: "«",
  guillemotright: "»",
  textexclamdown: "¡",
  textquestiondown: "¿",
  copyright: "©",
  textcopyright: "©",
  textregistered: "®",
  texttrademark: "™",
  textdegree: "°",
  textmu: "µ",
  textperiodcentered: "·",
  textbullet: "•",
  textsection: "§",
  textparagraph: "¶",
  textdagger: "†",
  textdaggerdbl: "‡",
  textsterling: "£",
  texteuro: "€",
  euro: "€",
  pounds: "£",
  textyen: "¥",
  textless: "<",
  textgreater: ">",
  textbar: "|",
  textunderscore: "_",
  textasteriskcentered: "*",
  textpm: "±",
  texttimes: "×",
  textordmasculine: "º",
  textordfeminine: "ª",
  TeX: "TeX",
  LaTeX: "LaTeX",
  BibTeX: "BibTeX",
};

/** Signs that only a plain text may have: written out where TeX is still to be read, they would mean something else. */
export const signs: Readonly<Record<string, string>> = {
  textbackslash: "\\",
  textasciitilde: "~",
  textasciicircum: "^",
  textbraceleft: "{",
  textbraceright: "}",
  textdollar: "$",
  textasciigrave: "`",
  lbrace: "{",
  rbrace: "}",
};

const raised = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ";
const lowered = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎";
const upper = "0123456789+-=()ni";

/** Digits and signs below or above the line; nothing if one of the characters has no such form. */
export function shifted(text: string, place: "sub" | "super"): string | undefined {
  const forms = Array.from(place === "sub" ? lowered : raised);
  const found = Array.from(text, (c) => forms[upper.indexOf(c)]);
  return found.every((c) => c !== undefined) ? found.join("") : undefined;
}
