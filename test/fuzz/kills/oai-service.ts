// A service that lists papers as arXiv's OAI-PMH does, in pages joined by resumption tokens.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { babble } from "../../train/helpers.ts";

const PAGES = 3;
const PER_PAGE = 400;

function record(n: number, seed: number): string {
  const id = `24${String(1 + (n % 12)).padStart(2, "0")}.${String(10_000 + n)}`;
  const header = `<identifier>oai:arXiv.org:${id}</identifier><datestamp>2024-01-02</datestamp>`;
  // Every tenth paper was withdrawn.
  if (n % 10 === 9) return `<record><header status="deleted">${header}</header></record>`;
  return `<record><header>${header}</header><metadata><arXiv><id>${id}</id><created>2024-01-01</created><authors><author><keyname>B${n % 89}</keyname></author></authors><title>${babble(60, seed + n)}</title><categories>cs.CL</categories><abstract>${babble(400, seed + 7 * n)}</abstract></arXiv></metadata></record>`;
}

/** Serves until `close`. */
export async function oaiService(seed: number): Promise<{ address: string; close: () => void }> {
  const server = createServer((request, response) => {
    const token = new URL(request.url ?? "/", "http://localhost").searchParams.get("resumptionToken");
    const page = Number(token?.split("|")[1] ?? 0);
    const records = Array.from({ length: PER_PAGE }, (_, i) => record(page * PER_PAGE + i, seed));
    const next = page + 1 < PAGES ? `page|${page + 1}` : "";
    response.end(
      `<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>${records.join("")}<resumptionToken completeListSize="${PAGES * PER_PAGE}">${next}</resumptionToken></ListRecords></OAI-PMH>`,
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { address: `http://127.0.0.1:${port}/oai`, close };
}
