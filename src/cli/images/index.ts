// `athanor images`: methods that learn from pictures.
import type { Noun } from "../verb.ts";

export const images: Noun = {
  name: "images",
  about: "train codes, auto-encoders and models that draw on pictures, and use them",
  verbs: [
    {
      name: "train",
      about: "train an image method on a folder of pictures, a sheet of sprites or idx files",
      load: () => import("./train.ts"),
    },
    {
      name: "reconstruct",
      about: "send pictures through a trained method and draw them above what comes back",
      load: () => import("./reconstruct.ts"),
    },
    {
      name: "sample",
      about: "draw new pictures, by class or caption where the model knows them",
      load: () => import("./sample.ts"),
    },
    {
      name: "encode",
      about: "print the codes of pictures as JSON lines",
      load: () => import("./encode.ts"),
    },
    {
      name: "caption",
      about: "say in words what pictures show",
      load: () => import("./caption.ts"),
    },
    {
      name: "inspect",
      about: "tell what data hold, or what a run was trained on and how its codes are used",
      load: () => import("./inspect.ts"),
    },
  ],
};
