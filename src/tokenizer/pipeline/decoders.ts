// How tokens become text (`decoder`), as https://github.com/huggingface/tokenizers does it (src/decoders), but as
// stages that tokens run through: what is decoded at once and what is decoded as it arrives is the same code.
import { byteLevelBytes } from "../formats/byte-level.ts";
import { strictTextOf, Utf8Stream, utf8 } from "../utf8.ts";
import {
  type Fields,
  characterField,
  countField,
  flagField,
  listField,
  madeFrom,
  textField,
} from "./fields.ts";
import { patternField, replaceMatches } from "./normalizers.ts";
import { prependScheme } from "./pre-tokenizers.ts";

/** One run of a decoder. */
export interface Stage {
  push(token: string): readonly string[];
  flush(): readonly string[];
}

/** Begins a run. `fused`: what arrives are parts of one token. */
type Begin = (fused: boolean) => Stage;

interface Decoder {
  readonly begin: Begin;
  /** It gives parts of one token. */
  readonly fuses: boolean;
}

/** The decoder that a file describes: null joins tokens by spaces. @throws FileError that names the field. */
export function decoderOf(json: unknown, where: string): () => Stage {
  const decoder = json === null || json === undefined ? JOINED : madeFrom(json, where, DECODERS, 0);
  return () => decoder.begin(false);
}

/** Each token alone; `i` counts them. */
function mapped(change: (token: string, i: number) => string): Decoder {
  return {
    fuses: false,
    begin: (fused) => {
      let i = 0;
      // Of one token in parts the whole must be known.
      const stage: Stage = { push: (token) => [change(token, i++)], flush: () => [] };
      return fused ? whole(stage) : stage;
    },
  };
}

/** Waits for the end and gives all as one token. */
function whole(next: Stage): Stage {
  const parts: string[] = [];
  return {
    push(part) {
      parts.push(part);
      return [];
    },
    flush: () => (parts.length === 0 ? [] : [...next.push(parts.join("")), ...next.flush()]),
  };
}

const JOINED: Decoder = mapped((token, i) => (i === 0 ? token : ` ${token}`));

const DECODERS: Readonly<Record<string, (f: Fields, depth: number) => Decoder>> = {
  BPEDecoder: bpeDecoder,
  ByteFallback: () => ({ fuses: false, begin: (fused) => (fused ? whole(bytesByName()) : bytesByName()) }),
  ByteLevel: () => ({ fuses: true, begin: byteLevel }),
  CTC: ctc,
  Fuse: () => ({ fuses: true, begin: () => ({ push: (token) => [token], flush: () => [] }) }),
  Metaspace: (f) => {
    const mark = characterField(f, "replacement");
    const drops = prependScheme(f) !== "never";
    return mapped((token, i) => token.replaceAll(mark, i === 0 && drops ? "" : " "));
  },
  Replace: (f) => {
    const pattern = patternField(f, "pattern");
    const content = textField(f, "content");
    return mapped((token) => replaceMatches(token, pattern, content));
  },
  Sequence: (f, depth) => {
    const steps = listField(f, "decoders").map((step, i) =>
      madeFrom(step, `${f.where}.decoders[${i}]`, DECODERS, depth + 1),
    );
    return { fuses: steps.some((s) => s.fuses), begin: (fused) => chain(steps, fused) };
  },
  Strip: stripDecoder,
  WordPiece: (f) => {
    const prefix = textField(f, "prefix", "##");
    const clean = flagField(f, "cleanup", true);
    return mapped((token, i) => {
      const continues = token.startsWith(prefix);
      const joined = i === 0 ? token : continues ? token.slice(prefix.length) : ` ${token}`;
      return clean ? cleanup(joined) : joined;
    });
  },
};

/** Stages one after the other; from a fusing one on, what arrives is one token. */
function chain(steps: readonly Decoder[], fused: boolean): Stage {
  let isFused = fused;
  const stages = steps.map((step) => {
    const stage = step.begin(isFused);
    isFused ||= step.fuses;
    return stage;
  });
  const through = (tokens: readonly string[], from: number): readonly string[] =>
    stages.slice(from).reduce((now, stage) => now.flatMap((t) => stage.push(t)), tokens);
  return {
    push: (token) => through([token], 0),
    flush: () =>
      stages.reduce<readonly string[]>(
        (now, stage) => [...now.flatMap((t) => stage.push(t)), ...stage.flush()],
        [],
      ),
  };
}

function bpeDecoder(f: Fields): Decoder {
  const suffix = textField(f, "suffix", "</w>");
  const begin = (): Stage => {
    let held: string | undefined; // only the last token ends without a space
    return {
      push(token) {
        const out = held === undefined ? [] : [held.replaceAll(suffix, " ")];
        held = token;
        return out;
      },
      flush: () => (held === undefined ? [] : [held.replaceAll(suffix, "")]),
    };
  };
  return { fuses: false, begin: (fused) => (fused ? whole(begin()) : begin()) };
}

/** `<0xE5>`: bytes side by side are text if they are UTF-8, else one U+FFFD each. */
function bytesByName(): Stage {
  let held: number[] = [];
  const release = (): string[] => {
    if (held.length === 0) return [];
    const text = strictTextOf(Uint8Array.from(held));
    const out = text === undefined ? held.map(() => "\ufffd") : [text];
    held = [];
    return out;
  };
  return {
    push(token) {
      // Rust reads "+A" as a number too.
      const byte = /^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$/.exec(token);
      if (byte === null) return [...release(), token];
      held.push(parseInt(byte[1] ?? "", 16));
      return [];
    },
    flush: release,
  };
}

function byteLevel(fused: boolean): Stage {
  const stream = new Utf8Stream();
  const stage: Stage = {
    push: (token) => [stream.push(byteLevelBytes(token) ?? utf8(token))].filter((t) => t !== ""),
    flush: () => [stream.flush()].filter((t) => t !== ""),
  };
  return fused ? whole(stage) : stage;
}

function ctc(f: Fields): Decoder {
  const pad = textField(f, "pad_token", "<pad>");
  const delimiter = textField(f, "word_delimiter_token", "|");
  const clean = flagField(f, "cleanup", true);
  const begin = (): Stage => {
    let last: string | undefined;
    return {
      push(token) {
        if (token === last) return [];
        last = token;
        const bare = pad === "" ? token : token.replaceAll(pad, "");
        const text = clean ? cleanup(bare).replaceAll(delimiter, " ") : bare;
        return text === "" ? [] : [text];
      },
      flush: () => [],
    };
  };
  return { fuses: false, begin: (fused) => (fused ? whole(begin()) : begin()) };
}

function stripDecoder(f: Fields): Decoder {
  const content = characterField(f, "content");
  const start = countField(f, "start", 0);
  const stop = countField(f, "stop", 0);
  const strip = (token: string): string => {
    const characters = Array.from(token);
    let from = 0;
    while (from < start && characters[from] === content) from++;
    let to = characters.length;
    while (to > from && characters.length - to < stop && characters[to - 1] === content) to--;
    return characters.slice(from, to).join("");
  };
  if (stop > 0) return mapped(strip);
  return {
    fuses: false,
    begin(fused) {
      if (!fused) return { push: (token) => [strip(token)], flush: () => [] };
      let left = start; // of one token in parts only the beginning changes
      return {
        push(part) {
          let from = 0;
          while (left > 0 && part.startsWith(content, from)) {
            from += content.length;
            left--;
          }
          if (from < part.length) left = 0;
          return from === part.length ? [] : [part.slice(from)];
        },
        flush: () => [],
      };
    },
  };
}

/** English spacing put right (BERT). */
function cleanup(text: string): string {
  return text
    .replaceAll(" .", ".")
    .replaceAll(" ?", "?")
    .replaceAll(" !", "!")
    .replaceAll(" ,", ",")
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" do not", " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
