// Pictures in a page: its own decoders, and files that a person chose.
import { BackendError } from "../../errors.ts";
import type { PictureDecoder } from "../images/picture.ts";
import type { ImageFile } from "../images/read.ts";

/** Decodes by the browser: upright by EXIF, the first frame, in sRGB. */
export const pageDecoder: PictureDecoder = async (bytes) => {
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]), {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
  });
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (context === null) throw new BackendError("images: a page must have a 2d canvas, got none.");
    context.drawImage(bitmap, 0, 0);
    return { width, height, pixels: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
};

/** The files of an input element or a dropped folder, for `readImages`. */
export function imageFilesOf(files: Iterable<File>): ImageFile[] {
  return [...files].map((file) => ({
    // A chosen folder's own name is the first part.
    path: file.webkitRelativePath.split("/").slice(1).join("/") || file.name,
    bytes: async () => new Uint8Array(await file.arrayBuffer()),
  }));
}
