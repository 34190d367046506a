// The last words of `npm test`: what was skipped, why, and how much it was.
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** A test's reason stands in its name or its suite's: `… (skipped: no data)` or, for a whole suite, `…: no data`. */
export function reasonOf(fullName: string, note: string | undefined): string {
  const told =
    note ?? /\(skipped: (.*?)\)(?= > |$)/.exec(fullName)?.[1] ?? /: (no .*?)(?= > |$)/.exec(fullName)?.[1];
  return told ?? `no reason told by "${fullName}"`;
}

/** Lines that count the skipped tests by reason, the sum last. @param notRun What did not even start. */
export function skipLines(reasons: readonly string[], all: number, notRun: readonly string[] = []): string[] {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const rows = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return [
    ...notRun.map((what) => `not run: ${what}`),
    ...rows.map(([reason, count]) => `${String(count).padStart(5)} skipped: ${reason}`),
    `${reasons.length} of ${all} tests skipped`,
  ];
}

/** A reporter that prints `skipLines` after everything else. */
export function skipReporter(notRun: readonly string[]): Reporter {
  let named = false;
  return {
    onInit({ config }) {
      named = config.testNamePattern !== undefined;
    },
    onTestRunEnd(modules: readonly TestModule[]) {
      const cases: TestCase[] = modules.flatMap((module) => [...module.children.allTests()]);
      // A name that was asked for by `-t` leaves the others out; that is no skipping.
      const noteOf = (test: TestCase): string | undefined => {
        const result = test.result();
        return "note" in result ? result.note : undefined;
      };
      // What skips itself while it runs was meant to run, and has a note.
      const skipped = named
        ? []
        : cases.filter(
            (test) =>
              test.result().state === "skipped" &&
              (test.options.mode !== "run" || noteOf(test) !== undefined),
          );
      const reasons = skipped.map((test) => reasonOf(test.fullName, noteOf(test)));
      process.stdout.write(`\n${skipLines(reasons, cases.length, notRun).join("\n")}\n`);
    },
  };
}
