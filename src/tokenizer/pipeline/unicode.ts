// Where the Unicode tables of the Rust library `tokenizers` 0.23 differ from those of a current JavaScript: its
// regular expressions know Unicode 16, its punctuation and marks are older. Found by asking both for every code
// point (test/golden/unicode-classes.py); a character newer than their table is to them no letter and no mark.

/** Inside of a character class (flag `v`) from ranges in hexadecimal: `"41-5a 5f"`. */
function inside(ranges: string): string {
  return ranges
    .split(" ")
    .map((r) =>
      r
        .split("-")
        .map((c) => `\\u{${c}}`)
        .join("-"),
    )
    .join("");
}

/** Characters that Unicode 17 added. */
export const SINCE_17: string = inside(
  "88f c5c cdc 1acf-1add 1ae0-1aeb 20c1 2b96 a7ce-a7cf a7d2 a7d4 a7f1 fbc3-fbd2 fd90-fd91 fdc8-fdce 10940-10959 10ec5-10ec7 10ed0-10ed8 10efa-10efb 11b60-11b67 11db0-11ddb 11de0-11de9 16ea0-16eb8 16ebb-16ed3 16ff2-16ff6 187f8-187ff 18d09-18d1e 18d80-18df2 1ccfa-1ccfc 1ceba-1ced0 1cee0-1cef0 1e6c0-1e6de 1e6e0-1e6f5 1e6fe-1e6ff 1f6d8 1f777-1f77a 1f8d0-1f8d8 1fa54-1fa57 1fa8a 1fa8e 1fac8 1facd 1faea 1faef 1fbfa 2b73a-2b73f 2cea2-2cead 323b0-33479",
);

const NEW = new RegExp(`[${SINCE_17}]`, "v");

/** True for a text that holds a character of Unicode 17. */
export function hasNewCharacters(text: string): boolean {
  return NEW.test(text);
}

/**
 * Source of a pattern of `jsPattern` for texts without such characters: its classes have fewer ranges, and V8
 * splits a text with it a fifth faster.
 */
export function withoutNewCharacters(source: string): string {
  return source.replaceAll(`--[${SINCE_17}]`, "");
}

const SINCE_PUNCTUATION = inside(
  "61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 10d6e 10ead 10ed0 10f55-10f59 10f86-10f89 113d4-113d5 113d7-113d8 1144b-1144f 1145a-1145b 1145d 11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c 11a9e-11aa2 11b00-11b09 11be1 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 16d6d-16d6f 16e97-16e9a 16fe2 1e5ff 1e95e-1e95f",
);

const SINCE_MARKS = inside(
  "7fd 897-89f 8ca-8d3 9fe afa-aff b55 c04 c3c cf3 d00 d3b-d3c d81 eba ece 1715 180f 1abf-1add 1ae0-1aeb 1cf7 1df6-1dfa a82c a8ff 10d24-10d27 10d69-10d6d 10eab-10eac 10efa-10eff 10f46-10f50 10f82-10f85 11070 11073-11074 110c2 11145-11146 111c9 111ce-111cf 11241 1133b 113b8-113c0 113c2 113c5 113c7-113ca 113cc-113d0 113d2 113e1-113e2 1145e 1182c-1183a 11930-11935 11937-11938 1193b-1193e 11940 11942-11943 119d1-119d7 119da-119e0 119e4 11a01-11a0a 11a33-11a39 11a3b-11a3e 11a47 11a51-11a5b 11a8a-11a99 11b60-11b67 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d8a-11d8e 11d90-11d91 11d93-11d97 11ef3-11ef6 11f00-11f01 11f03 11f34-11f3a 11f3e-11f42 11f5a 13440 13447-13455 1611e-1612f 16f4f 16f7f-16f87 16fe4 16ff0-16ff1 1cf00-1cf2d 1cf30-1cf46 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1e6e3 1e6e6 1e6ee-1e6ef 1e6f5",
);

/** Source of one punctuation character: ASCII's and Unicode's P. */
export const PUNCTUATION: string = `[[!-\\/\\:-@\\[-\`\\{-~\\p{P}\\u{166d}\\u{111c9}]--[${SINCE_PUNCTUATION}]]`;

/** Any combining mark. */
export const MARK: RegExp = new RegExp(`[[\\p{M}\\u{1cf2}\\u{1cf3}]--[${SINCE_MARKS}]]`, "gv");

/** Marks that take no space of their own. */
export const NONSPACING_MARK: RegExp = new RegExp(`[\\p{Mn}--[${SINCE_MARKS}]]`, "gv");

/** Control, format and private characters, without tab and line ends. */
export const CONTROL: RegExp =
  /[[\p{Cc}\p{Cf}\p{Co}\ufffd]--[\t\n\r\u0890\u0891\u08e2\u{110cd}\u{13430}-\u{1343f}]]/gv;

/** Control characters that the normaliser of Google's neural translation takes away. */
export const NMT_REMOVED: RegExp = new RegExp(`[${inside("1-8 b e-1f 7f 8f 9f")}]`, "gv");

const NEW_CANONICAL = inside(
  "105c9 105e4 11383 11385 1138e 11391 113c5 113c7-113c8 11938 16121-16128 16d68-16d6a",
);
const NEW_COMPATIBLE = inside(
  "32ff a7f1-a7f4 ab69 10781-10785 10787-107b0 107b2-107ba 1ccd6-1ccf9 1e030-1e06d 1f16c 1fbf0-1fbf9",
);

/** Characters whose decomposition its tables do not have: they stay, and nothing is composed to them. */
const CANONICAL = new RegExp(`([${NEW_CANONICAL}])`, "gv");
const COMPATIBLE = new RegExp(`([${NEW_CANONICAL}${NEW_COMPATIBLE}])`, "gv");

/** `text` in a normal form, by those tables: the one place where text is normalised. */
export function normalForm(text: string, form: "NFC" | "NFD" | "NFKC" | "NFKD"): string {
  const whole = form.includes("K") ? COMPATIBLE : CANONICAL;
  const plain = text.normalize(form);
  if (text.search(whole) < 0 && (plain === text || plain.search(whole) < 0)) return plain;
  return text
    .split(whole)
    .map((part, i) =>
      i % 2 === 1 ? part : part.normalize(form).replaceAll(CANONICAL, (c) => c.normalize("NFD")),
    )
    .join("");
}

/** Lowercase character by character: a Σ at the end of a word is σ there, ς in JavaScript. */
export function lowercase(text: string): string {
  return text.replaceAll("Σ", "σ").toLowerCase();
}
