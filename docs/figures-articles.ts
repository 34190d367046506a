// Pictures of pages that read an article closely: Self-Extend, soft assignment, positions as digits.
import { softAssignments } from "../src/attention/index.ts";
import { lineChart } from "../src/draw/line-chart.ts";
import { farthestDistance } from "../src/position/index.ts";
import { tensor } from "../src/tensor/index.ts";
import { curve, draw, range } from "./figures-draw.ts";

const [WINDOW, GROUP] = [16, 4];
const place = (i: number): number => Math.floor(i / GROUP);
draw(
  "self-extend",
  lineChart({
    title: "The distance that a key seems to have under Self-Extend",
    subtitle: `Window ${WINDOW}, groups of ${GROUP}; a query at place 63, and Leaky ReRoPE beside it`,
    x: "true distance",
    y: "distance in the score",
    series: [
      curve("RoPE", range(64), (x) => x),
      curve("Self-Extend", range(64), (x) =>
        x < WINDOW ? x : place(63) - place(63 - x) + WINDOW - place(WINDOW),
      ),
      curve("Leaky ReRoPE, k = 4", range(64), (x) => farthestDistance(x + 1, WINDOW, GROUP)),
    ],
  }),
);

/** Shares of five codes −2 … 2 in keys of one number. */
async function shares(temperature: number): Promise<number[][]> {
  const codebook = tensor([-2, -1, 0, 1, 2], { shape: [1, 5, 1] });
  const keys = tensor(
    range(121).map((x) => (x - 60) / 20),
    { shape: [1, 1, 121, 1] },
  );
  const all = Array.from(await softAssignments(keys, { codebook, scale: 1, temperature }).data(), Number);
  return range(5).map((y) => range(121).map((x) => all[5 * x + y] ?? 0));
}
const [soft, sharp] = await Promise.all([shares(1), shares(0.05)]);
draw(
  "soft-vq",
  lineChart({
    title: "How much of a key belongs to a code",
    subtitle: "Codes at −2, −1, 0, 1, 2, keys of one number; the shares of two codes at two temperatures",
    x: "key",
    y: "share p(y|k)",
    series: [2, 3].flatMap((y) =>
      (
        [
          ["τ = 1", soft],
          ["τ = 0.05", sharp],
        ] as const
      ).map(([name, all]) =>
        curve(
          `code ${y - 2}, ${name}`,
          range(121).map((x) => (x - 60) / 20),
          (k) => all?.[y]?.[Math.round(k * 20) + 60] ?? 0,
        ),
      ),
    ),
  }),
);

draw(
  "rope-digits",
  lineChart({
    title: "Positions as digits",
    subtitle: "β = 10: the pair of each digit turns once in 10, 100 and 1,000 places",
    x: "position n",
    y: "cos(2π n / βᵐ)",
    series: [1, 2, 3].map((m) =>
      curve(["units", "tens", "hundreds"][m - 1] ?? "", range(201), (n) =>
        Math.cos((2 * Math.PI * n) / 10 ** m),
      ),
    ),
  }),
);
