import { expect, test } from "vitest";
import { attentionMaps } from "../../src/model/attention-maps.ts";
import { type CausalLMConfig, causalLMConfig, initCausalLM } from "../../src/model/index.ts";
import { mapTree, random } from "../../src/tensor/index.ts";

const sizes = { vocabulary: 17, context: 16, width: 16, layers: 2, heads: 4, keyValueHeads: 2 };
const ids = [3, 1, 4, 1, 5, 9, 2, 6, 5];

test.each<[string, CausalLMConfig, number]>([
  ["dense", causalLMConfig(sizes), ids.length],
  ["sliding window", causalLMConfig({ ...sizes, position: { type: "rope", slidingWindow: 3 } }), 3],
  ["window", causalLMConfig({ ...sizes, attention: { type: "window", window: 3 } }), 3],
  [
    "transformer-vq",
    causalLMConfig({ ...sizes, attention: { type: "transformer-vq", codes: 5, block: 3 } }),
    ids.length,
  ],
])(
  "%s: rows sum to one over what they see, and S and its closed form follow from them",
  async (_, config, seen) => {
    const params = mapTree(initCausalLM(config, random.key(5)), (p, name) =>
      /proj\.weight|distances|codebook\.sum/.test(name) ? p.mul(20) : p,
    );
    const maps = await attentionMaps(config, params, ids);
    expect(maps.map(({ layer, head }) => [layer, head])).toEqual(
      [0, 1].flatMap((layer) => [0, 1, 2, 3].map((head) => [layer, head])),
    );
    const T = ids.length;
    for (const { weights, concentration, ifNormal } of maps) {
      let [measured, normal] = [0, 0];
      for (let t = 0; t < T; t++) {
        const row = Array.from(weights.subarray(t * T, (t + 1) * T));
        const visible = row.filter((_, j) => j <= t && t - j < seen);
        expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        expect(visible.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        const n = visible.length;
        measured += 1 / Math.sqrt(n * visible.reduce((a, w) => a + w * w, 0)) / T;
        // Logarithms of weights are scores up to a constant.
        const scores = visible.map(Math.log);
        const mean = scores.reduce((a, b) => a + b, 0) / n;
        normal += Math.exp(-scores.reduce((a, s) => a + (s - mean) ** 2, 0) / n / 2) / T;
      }
      expect(concentration).toBeCloseTo(measured, 4);
      expect(ifNormal).toBeCloseTo(normal, 4);
      expect(concentration).toBeLessThan(0.999); // not flat: there is something to measure
    }
  },
);
