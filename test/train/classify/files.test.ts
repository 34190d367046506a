// Files of labelled sequences: what is read, and every way in which a file can be wrong, each with its sentence.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Cases, classesOf, withoutGaps } from "../../../src/train/classify/cases.ts";
import { readCases } from "../../../src/train/classify/read-cases.ts";
import type { TableReading } from "../../../src/train/classify/table-cases.ts";

const read = (name: string, text: string, reading: TableReading = {}): Cases =>
  readCases(new TextEncoder().encode(text), name, name, reading);
const plain = ({ cases }: Cases): unknown =>
  cases.map(({ series, text, label }) => [text ?? series?.map((c) => Array.from(c)), label ?? null]);
const ts = (header: string, ...rows: string[]): string => [header, "@data", ...rows].join("\n");
const EVEN = "@problemName x\n@timeStamps false\n@univariate true\n@classLabel true a b";

describe(".ts", () => {
  test("one channel, comments, Windows line ends, classes in the order of the header", () => {
    const cases = read(
      "x.ts",
      `# about\n${ts(EVEN, "1,2.5,-3e1:b", "", "4,5,6:a")}\n`.replaceAll("\n", "\r\n"),
    );
    expect(plain(cases)).toEqual([
      [[[1, 2.5, -30]], "b"],
      [[[4, 5, 6]], "a"],
    ]);
    expect(classesOf(cases)).toEqual(["a", "b"]);
    expect(cases.numbers).toBe(false);
  });

  test("several channels of uneven length, missing values, labels that are numbers", () => {
    const header =
      "@problemname y\n@timestamps false\n@missing true\n@dimensions 2\n@equallength false\n@targetlabel true";
    const cases = read("y.ts", ts(header, "1,?,3:4,5,6:0.5", "7:NaN:-2"));
    expect(plain(cases)).toEqual([
      [
        [
          [1, Number.NaN, 3],
          [4, 5, 6],
        ],
        "0.5",
      ],
      [[[7], [Number.NaN]], "-2"],
    ]);
    expect(cases).toMatchObject({ channels: 2, numbers: true });
  });

  test("without labels, and with one that is not known", () => {
    expect(plain(read("z.ts", ts("@univariate true\n@classLabel false", "1,2")))).toEqual([[[[1, 2]], null]]);
    expect(plain(read("z.ts", ts(EVEN, "1,2:?")))).toEqual([[[[1, 2]], null]]);
  });

  test("what is written is what is read, whatever the numbers", () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    const channel = (n: number) => fc.array(value, { minLength: n, maxLength: n });
    const one = fc.integer({ min: 1, max: 9 }).chain((n) => fc.tuple(channel(n), channel(n)));
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 5 }), (all) => {
        const rows = all.map((channels) => `${channels.map((c) => c.map(String).join(",")).join(":")}:a`);
        const { cases } = read("p.ts", ts("@dimensions 2\n@classLabel true a", ...rows));
        const found = cases.map(({ series = [] }) => series.map((c) => Array.from(c, (v) => v + 0)));
        expect(found).toEqual(all.map((channels) => channels.map((c) => c.map((v) => v + 0))));
      }),
      { numRuns: 50, seed: 7 },
    );
  });

  test.each<[string, string, string]>([
    [
      "timestamps by the header",
      ts("@timeStamps true\n@classLabel true a b", "(0,1):a"),
      "got @timeStamps true. Resample",
    ],
    ["timestamps in a row", ts(EVEN, "(0,1.5),(1,2):a"), "x.ts, line 6 must have series without timestamps"],
    [
      "ragged channels",
      ts("@dimensions 2\n@classLabel true a b", "1,2,3:4,5:a"),
      "must have channels of one length, got 3 values in channel 1 and 2 in channel 2.",
    ],
    ["too few channels", ts("@dimensions 3\n@classLabel true a b", "1:2:a"), "must have 3 channels, got 2."],
    [
      "a row with fewer channels than the first",
      ts("@classLabel true a b", "1:2:a", "1:a"),
      "x.ts, line 4 must have 2 channels, got 1.",
    ],
    ["a class that the header does not list", ts(EVEN, "1,2:c"), '(a, b), got "c".'],
    ["a word for a number", ts(EVEN, "1,two:a"), 'got "two" at place 2 of channel 1.'],
    ["nothing between commas", ts(EVEN, "1,,3:a"), 'got "" at place 2 of channel 1.'],
    ["an infinite value", ts(EVEN, "1,Infinity:a"), 'got "Infinity"'],
    ["no header", "1,2,3:a", "must have a header that ends with @data"],
    [
      "a header of another form",
      "@relation iris\n@data\n1",
      'must be a header of the .ts form, got "@relation".',
    ],
    ["no series", ts(EVEN), "must hold series below @data, got none."],
    ["nothing at all", "  \n", "x.ts must hold sequences, got nothing."],
    ["a label and no series", ts(EVEN, "a"), "must have a series and a label behind a colon"],
  ])("%s is refused by name", (_, text, sentence) => {
    expect(() => read("x.ts", text)).toThrow(sentence);
  });
});

describe("tables", () => {
  test("a row is a label and a series; empty cells at its end end it", () => {
    const csv = "class,t1,t2,t3\nup,1,2,3\ndown,3,2,\nup,,5,6\n";
    expect(plain(read("a.csv", csv))).toEqual([
      [[[1, 2, 3]], "up"],
      [[[3, 2]], "down"],
      [[[Number.NaN, 5, 6]], "up"],
    ]);
    // The form of the UCR archive: labels first, no names.
    const ucr = read("a.tsv", "2\t0.5\t1\n1\t0.25\t-1\n");
    expect(plain(ucr)).toEqual([
      [[[0.5, 1]], "2"],
      [[[0.25, -1]], "1"],
    ]);
    expect(ucr.notices.join()).toContain("column 1 was taken for the labels");
    expect(classesOf(ucr)).toEqual(["1", "2"]);
  });

  test("a row is a label and a text, with names and without", () => {
    const named = 'sentence\tlabel\nit \'s good\t1\nbad , "quite"\t0\n';
    expect(plain(read("t.tsv", named))).toEqual([
      ["it 's good", "1"],
      ['bad , "quite"', "0"],
    ]);
    expect(plain(read("t.tsv", "ham\tGo on\nspam\tFree entry\n"))).toEqual([
      ["Go on", "ham"],
      ["Free entry", "spam"],
    ]);
    const quoted = 'id,note,kind\n1,"two, with ""marks""",x\n2,other,y\n';
    expect(plain(read("t.csv", quoted, { label: "kind", text: "note" }))).toEqual([
      ['two, with "marks"', "x"],
      ["other", "y"],
    ]);
  });

  test("rows are moments of series that a column names", () => {
    const csv = "id,time,x,y,activity\nA,0,1,2,run\nB,0,5,6,walk\nA,1,3,4,run\n";
    const cases = read("m.csv", csv, { series: "id", label: "activity", ignore: ["time"] });
    expect(plain(cases)).toEqual([
      [
        [
          [1, 3],
          [2, 4],
        ],
        "run",
      ],
      [[[5], [6]], "walk"],
    ]);
    expect(cases.channels).toBe(2);
  });

  test("tables without labels", () => {
    expect(plain(read("u.csv", "a,b\n1,2\n3,4\n", { label: "class", unlabelled: true }))).toEqual([
      [[[1, 2]], null],
      [[[3, 4]], null],
    ]);
    expect(plain(read("u.tsv", "1\t2\n", { label: "none" }))).toEqual([[[[1, 2]], null]]);
  });

  test.each<[string, string, TableReading, string]>([
    [
      "a label column that is not there",
      "species,a,b\nx,1,2\n",
      { label: "specis" },
      '--label must be a column of b.csv (species, a, b), got "specis". Did you mean species?',
    ],
    [
      "a text column that is not there",
      "label,a\nx,1\n",
      { text: "body" },
      "--text must be a column of b.csv",
    ],
    [
      "a column to leave out that is not there",
      "label,a\nx,1\n",
      { ignore: ["time"] },
      "--ignore must be a column of b.csv",
    ],
    [
      "a word among numbers",
      "label,a,b\nx,1,many\ny,2,3\n",
      {},
      'line 2 must have a number in column b, got "many".',
    ],
    ["names alone", "label,a,b\n", {}, "must hold rows below its line of column names, got none."],
    ["an open quote", 'label,a\n"x,1\n', {}, "classify: b.csv must close the quote that line 2 opens"],
    [
      "a series whose label changes",
      "id,x,label\nA,1,up\nA,2,down\n",
      { series: "id" },
      'must have the label of its series "A" (up), got down.',
    ],
    ["a series without values", "label,a\nx,\ny,1\n", {}, "line 2 must hold a series, got no values."],
  ])("%s is refused by name", (_, text, reading, sentence) => {
    expect(() => read("b.csv", text, reading)).toThrow(sentence);
  });
});

describe("JSON lines", () => {
  test("texts, one channel, several channels, missing values", () => {
    expect(plain(read("a.jsonl", '{"text": "one", "label": 1}\n\n{"text": "two"}\n'))).toEqual([
      ["one", "1"],
      ["two", null],
    ]);
    expect(plain(read("a.jsonl", '{"series": [1, null, 3], "label": "x"}'))).toEqual([
      [[[1, Number.NaN, 3]], "x"],
    ]);
    expect(plain(read("a.jsonl", '{"series": [[1, 2], [3, 4]], "label": "x"}'))).toEqual([
      [
        [
          [1, 2],
          [3, 4],
        ],
        "x",
      ],
    ]);
  });

  test.each<[string, string, string]>([
    ["ragged channels", '{"series": [[1, 2], [3]]}', "got 2 values in channel 1 and 1 in channel 2."],
    [
      "texts among series",
      '{"series": [1]}\n{"text": "x"}',
      "line 2 must be a series as the first line is, got the other.",
    ],
    ["neither", '{"label": "x"}', 'must have "text" or "series", got neither.'],
    ["a word for a number", '{"series": [1, "2"]}', 'got "2" at place 2 of channel 1.'],
    ["no JSON", "text", "must be a JSON object with text or series"],
  ])("%s are refused by name", (_, text, sentence) => {
    expect(() => read("a.jsonl", text)).toThrow(sentence);
  });

  test("a file of another kind", () => {
    expect(() => read("a.arff", "@data")).toThrow(
      "must be a .ts, .csv, .tsv or .jsonl file (also as .gz), got .arff.",
    );
  });
});

describe("missing values", () => {
  const cases = read("g.jsonl", '{"series": [null, 2, null, null, 8, null]}').cases;

  test("are refused unless something is said", () => {
    expect(() => withoutGaps(cases, "refuse", [0])).toThrow(
      "g.jsonl, line 1 must have all its values, got none at place 1 of channel 1. Say what stands there with --missing linear or --missing mean.",
    );
  });

  test("lie on lines between their neighbours, or at the channel's mean", () => {
    expect(Array.from(withoutGaps(cases, "linear", [0])[0]?.series?.[0] ?? [])).toEqual([2, 2, 4, 6, 8, 8]);
    expect(Array.from(withoutGaps(cases, "mean", [5])[0]?.series?.[0] ?? [])).toEqual([5, 2, 5, 5, 8, 5]);
  });

  test("of a whole channel have no line", () => {
    const none = read("g.jsonl", '{"series": [null, null]}').cases;
    expect(() => withoutGaps(none, "linear", [0])).toThrow(
      "must have a value in channel 1 to draw lines from, got 2",
    );
  });
});
