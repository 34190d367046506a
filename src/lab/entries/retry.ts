// A service that fails and comes back, and a thousand clients that try again: in made time, from seeded draws.
import { lineChart } from "../../draw/line-chart.ts";
import { backoff, constant } from "../../net/index.ts";
import { randomStream } from "../../tokenizer/index.ts";
import type { Entry } from "../entry.ts";
import { byMethod, everySeed, methodsOf } from "../methods.ts";
import { known, seedsOf } from "../statistics.ts";

const POLICIES = ["constant 2 s", "doubling", "doubling with jitter"] as const;
type Policy = (typeof POLICIES)[number];

interface RetrySettings {
  readonly policy: Policy;
  readonly clients: number;
}

export interface RetryRow {
  readonly method: Policy;
  readonly clients: number;
  /** Most requests in a tenth of a second after the service is back. */
  readonly peak: number;
  /** Requests in all, the first of each client included. */
  readonly requests: number;
  /** Seconds from the end of the outage until nine in ten clients are served. */
  readonly served: number;
  /** Share of clients that succeed within five tries where each try fails with probability one half. */
  readonly fiveTries: number;
}

/** The service is down for a minute, then answers this many requests a tenth of a second; the others fail. */
const OUTAGE = 60_000;
const SLOT = 100;
const CAPACITY = 20;
const TRIES = 5;

function delays(policy: Policy, random: () => number): (failures: number) => number {
  if (policy === "constant 2 s") return constant(2000);
  // Without jitter the wait is the whole of what full jitter draws from.
  return backoff(1000, 30_000, 2, policy === "doubling" ? () => 1 : random);
}

function simulate({ policy, clients }: RetrySettings, seed: number): RetryRow {
  const random = randomStream(seed, POLICIES.indexOf(policy));
  const delay = delays(policy, random);
  // The clients meet the outage together, as those of one queue do.
  const waiting = Array.from({ length: clients }, () => ({ at: 0, failures: 0 }));
  const slots = new Map<number, number>();
  const ends: number[] = [];
  let requests = 0;
  while (waiting.length > 0) {
    waiting.sort((a, b) => b.at - a.at);
    const next = waiting.pop();
    if (next === undefined) break;
    requests++;
    const slot = Math.floor(next.at / SLOT);
    const load = (slots.get(slot) ?? 0) + 1;
    slots.set(slot, load);
    if (next.at >= OUTAGE && load <= CAPACITY) ends.push(next.at);
    else waiting.push({ at: next.at + delay(next.failures + 1), failures: next.failures + 1 });
  }
  const after = [...slots].filter(([slot]) => slot * SLOT >= OUTAGE).map(([, load]) => load);
  const lucky = Array.from({ length: clients }, () =>
    Array.from({ length: TRIES }, random).some((u) => u < 0.5),
  );
  return {
    method: policy,
    clients,
    peak: Math.max(...after),
    requests,
    served: ((ends.sort((a, b) => a - b)[Math.ceil(0.9 * clients) - 1] ?? Infinity) - OUTAGE) / 1000,
    fiveTries: lucky.filter(Boolean).length / clients,
  };
}

const peaks = (rows: readonly RetryRow[]) => byMethod(rows, (r) => r.peak);
const expected = 1 - 0.5 ** TRIES;
const settings = (clients: number): RetrySettings[] => POLICIES.map((policy) => ({ policy, clients }));

export const retry: Entry<RetrySettings, RetryRow> = {
  name: "retry",
  row: "retry",
  claim: {
    en: "A few tries carry clients over failures; after an outage, waits that are constant or only doubled bring all of a thousand clients back at once, and random waits spread them.",
    zh: "几次重试即可度过偶发失败；而在故障恢复后，固定或单纯翻倍的等待会让一千个客户端同时涌回，随机等待则将其分散。",
  },
  source: {
    says: "Su 2024, An elegant retry in Python (constant waits of 2 s); full jitter as a production form",
    links: ["https://kexue.fm/archives/9938"],
  },
  needs: [],
  minutes: { quick: 0.1, full: 0.3 },
  seeds: [0, 1, 2],
  settings: {
    smallest: [{ policy: "doubling with jitter", clients: 50 }],
    quick: settings(300),
    full: settings(1000),
  },
  rules: [
    {
      says: {
        en: "Five tries against failures of one half succeed with 1 − 0.5⁵ (within three standard errors, on every seed).",
        zh: "失败率为一半时，五次尝试的成功率为 1 − 0.5⁵（每个种子都在三个标准误差内）。",
      },
      holds: (rows) =>
        rows.every(
          (r) => Math.abs(r.fiveTries - expected) < 3 * Math.sqrt((expected * (1 - expected)) / r.clients),
        ),
      shows: (rows) => byMethod(rows, (r) => r.fiveTries).shows(methodsOf(rows), 3),
    },
    {
      says: {
        en: "With constant waits all clients come in one tenth of a second.",
        zh: "等待固定时，所有客户端在同一个十分之一秒内到来。",
      },
      holds: (rows) => known([peaks(rows).mean("constant 2 s")], (peak = 0) => peak === rows[0]?.clients),
      shows: (rows) => peaks(rows).shows(["constant 2 s"], 0),
    },
    {
      says: { en: "Doubling alone does not spread them.", zh: "单纯翻倍不能分散请求。" },
      holds: (rows) => known([peaks(rows).mean("doubling")], (peak = 0) => peak === rows[0]?.clients),
      shows: (rows) => peaks(rows).shows(["doubling"], 0),
    },
    {
      says: {
        en: "With jitter the peak is below a tenth of the clients, on every seed.",
        zh: "加入随机后峰值低于客户端数的十分之一（每个种子）。",
      },
      holds: (rows) =>
        everySeed(rows, (own) =>
          known(
            [peaks(own).mean("doubling with jitter")],
            (peak = Infinity) => peak < (rows[0]?.clients ?? 0) / 10,
          ),
        ),
      shows: (rows) => peaks(rows).shows(["doubling with jitter"], 0),
    },
    {
      says: {
        en: "With jitter nine in ten clients are served sooner than with constant waits.",
        zh: "加入随机后九成客户端得到服务的时间早于固定等待。",
      },
      holds: (rows) => {
        const served = byMethod(rows, (r) => r.served);
        return known(
          [served.mean("doubling with jitter"), served.mean("constant 2 s")],
          (jitter = 1, fixed = 0) => jitter < fixed,
        );
      },
      shows: (rows) => byMethod(rows, (r) => r.served).shows(methodsOf(rows), 1),
    },
  ],
  run(settings, seed, { report }) {
    const row = simulate(settings, seed);
    report(
      `${row.method}: peak ${row.peak}, ${row.requests} requests, nine in ten after ${row.served.toFixed(1)} s`,
    );
    return Promise.resolve([row]);
  },
  figures(rows) {
    const served = byMethod(rows, (r) => r.served);
    const requests = byMethod(rows, (r) => r.requests);
    const figure = lineChart({
      title: "Load after an outage of a minute",
      subtitle: `${rows[0]?.clients} clients, ${CAPACITY} answered every tenth of a second; ${seedsOf(rows)}`,
      x: "seconds until nine in ten are served",
      y: "most requests in a tenth of a second",
      series: methodsOf(rows).map((name) => ({
        name: `${name} (${Math.round(requests.mean(name) ?? 0)} requests)`,
        points: [[served.mean(name) ?? 0, peaks(rows).mean(name) ?? 0]],
      })),
    });
    return { "retry-load.svg": figure };
  },
};
