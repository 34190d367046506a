// The contract of the room: a published claim, executed.

/** What was measured, and pictures of it as SVG by file name. */
export interface Findings<Row> {
  readonly rows: readonly Row[];
  readonly figures: Readonly<Record<string, string>>;
}

/** Whether the claim held in these rows, sentence by sentence. */
export interface Verdict {
  readonly holds: boolean;
  readonly findings: readonly { readonly says: string; readonly holds: boolean }[];
}

/** One experiment. */
export interface Lab<Options, Row> {
  readonly name: string;
  /** The claim in one sentence. */
  readonly claim: string;
  /** Authors, year, section, address. */
  readonly source: string;
  /** @param report Called with a line now and then while it runs. */
  run(options: Options, report?: (line: string) => void): Promise<Findings<Row>>;
  verdict(rows: readonly Row[]): Verdict;
}

/** A verdict that holds when all its findings do. */
export function verdictOf(findings: readonly (readonly [says: string, holds: boolean])[]): Verdict {
  return {
    holds: findings.every(([, holds]) => holds),
    findings: findings.map(([says, holds]) => ({ says, holds })),
  };
}
