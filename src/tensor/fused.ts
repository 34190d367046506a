// Functions that some places run as one kernel.
import type { Kernel } from "../graph/value.ts";
import { argument, captures } from "./body.ts";
import { apply, type Tensor } from "./tensor.ts";

/**
 * `definition(...inputs)`, by one `kernel` where the place has it. Derivatives, and places without the kernel, follow
 * the definition.
 * @param definition In other ops; must say what `Kernel` says of this kernel.
 */
export function fused<I extends readonly Tensor[]>(
  kernel: Kernel,
  inputs: I,
  definition: (...inputs: I) => Tensor,
): Tensor {
  const parameters = inputs.map(({ dtype, shape }) => argument({ dtype, shape }));
  const results = [definition(...(parameters as unknown as I))];
  return apply("fused", [...inputs, ...captures(results, parameters)], {
    kernel,
    body: { parameters, results },
  });
}
