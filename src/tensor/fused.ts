// Functions that some places run as one kernel.
import { type Kernel, nextId } from "../graph/value.ts";
import { argument, captures } from "./control.ts";
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
  const since = nextId();
  const parameters = inputs.map(({ dtype, shape }) => argument({ dtype, shape }));
  const again = (values: readonly unknown[]): Tensor => definition(...(values as unknown as I));
  const results = [again(parameters)];
  return apply("fused", [...inputs, ...captures(results, parameters, since)], {
    kernel,
    body: { parameters, results },
    again,
  });
}
