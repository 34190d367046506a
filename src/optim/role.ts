// What a parameter is to its model. Rules that treat parameters differently ask for it instead of reading names.
import type { Tensor } from "../tensor/index.ts";

/** A gain multiplies (norms), a bias is added, a table is read row by row (embeddings), a matrix maps vectors. */
export type Role = "gain" | "bias" | "table" | "matrix";

/** The role of each parameter by its name. */
export type RoleOf = (name: string, parameter: Tensor) => Role;

/** The role where nobody tells: vectors are biases, all else is a matrix. */
export const roleByShape: RoleOf = (_, p) => (p.rank < 2 ? "bias" : "matrix");
