// A square of queries and keys, each cell inked by what the query does with the key.

/** Inks by the letter that `cell` returns; a space leaves the cell empty. */
export const INKS: Readonly<Record<string, string>> = {
  a: "#1f5f8b",
  b: "#b4541a",
  c: "#c79a2b",
  d: "#6b7f59",
};

/** One or several squares side by side, queries downwards and keys to the right. */
export function grids(
  title: string,
  squares: readonly { readonly name: string; readonly cell: (i: number, j: number) => string }[],
  legend: Readonly<Record<string, string>>,
  size = 24,
): string {
  const unit = 8;
  const side = size * unit;
  const gap = 28;
  const width = Math.max(squares.length * (side + gap) + gap, 480);
  const height = side + 118;
  const parts = squares.flatMap(({ name, cell }, s) => {
    const x0 = gap + s * (side + gap);
    const cells = [`<rect x="${x0}" y="56" width="${side}" height="${side}" fill="#f4eee4"/>`];
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        const ink = INKS[cell(i, j)];
        if (ink === undefined) continue;
        cells.push(`<rect x="${x0 + j * unit}" y="${56 + i * unit}" width="7" height="7" fill="${ink}"/>`);
      }
    return [...cells, `<text x="${x0}" y="${76 + side}" fill="#4d463f">${escape(name)}</text>`];
  });
  const keys = Object.entries(legend).map(
    ([letter, text], i) =>
      `<rect x="${gap + i * 170}" y="${height - 26}" width="10" height="10" fill="${INKS[letter]}"/><text x="${gap + 16 + i * 170}" y="${height - 17}" fill="#8a8178">${escape(text)}</text>`,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Georgia, 'Times New Roman', serif" font-size="13" role="img" aria-label="${escape(title)}">`,
    `<rect width="${width}" height="${height}" rx="10" fill="#fffdf9"/>`,
    `<text x="${gap}" y="34" font-size="17" font-weight="bold" fill="#2b2622">${escape(title)}</text>`,
    ...parts,
    ...keys,
    `</svg>`,
  ].join("\n")}\n`;
}

function escape(s: string): string {
  return s.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
