// A sheet of sprites: one picture of many cells, and a list that says which cell shows what.
import { FileError } from "../../errors.ts";
import type { Read } from "./gather.ts";
import { unpacked } from "./idx.ts";
import { cut, type PictureDecoder, readPicture } from "./picture.ts";
import type { Captions, ImageFile } from "./read.ts";

/** An entry of the list, as emoji-data and sprite packers write it. */
interface Cell {
  readonly sheet_x: number;
  readonly sheet_y: number;
  readonly name?: string;
  readonly short_name?: string;
  readonly category?: string;
}

/**
 * The cells of a sheet. A cell's side is the sheet's width divided by its columns; where the sheet's name ends in a number
 * (`sheet-32.png`) that is less, a sprite has that side and stands in the middle of its cell.
 * @throws FileError for a list without cells, and for cells beyond the sheet.
 */
export async function readSprites(
  sheet: ImageFile,
  list: ImageFile,
  decode: PictureDecoder,
  captions: Captions = "lines",
): Promise<Read[]> {
  const cells = cellsOf(new TextDecoder().decode(await unpacked(await list.bytes(), list.path)), list.path);
  const picture = await readPicture(await sheet.bytes(), sheet.path, decode);
  const columns = 1 + cells.reduce((most, { sheet_x: x }) => Math.max(most, x), 0);
  const cell = Math.floor(picture.width / columns);
  const named = Number(/(\d+)\.\w+$/.exec(sheet.path)?.[1] ?? cell);
  const side = named > 0 && named <= cell ? named : cell;
  const margin = Math.floor((cell - side) / 2);
  return cells.map(({ sheet_x: x, sheet_y: y, name, short_name: short, category }) => {
    const [left, top] = [x * cell + margin, y * cell + margin];
    const caption = captions === "none" ? undefined : (name ?? short);
    if (cell < 1 || top + side > picture.height) {
      throw new FileError(
        `images: cell ${x}, ${y} of ${list.path} must lie within ${sheet.path} of ${picture.width} × ${picture.height}, got one that ends at row ${top + side}.`,
      );
    }
    return {
      name: `${sheet.path} ${x}, ${y}`,
      picture: cut(picture, left, top, side, side),
      ...(caption !== undefined && { caption }),
      ...(category !== undefined && { label: category }),
    };
  });
}

function cellsOf(text: string, path: string): Cell[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  const place = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;
  const isCell = (c: unknown): c is Cell =>
    typeof c === "object" &&
    c !== null &&
    place((c as Partial<Cell>).sheet_x) &&
    place((c as Partial<Cell>).sheet_y);
  if (Array.isArray(list) && list.length > 0 && list.every(isCell)) return list;
  throw new FileError(
    `images: ${path} must be a JSON array of cells with sheet_x and sheet_y, got something else. Take it out of the data if it is no list of sprites.`,
  );
}
