/** The figures as one SVG: how far each ratio is from its target, on a logarithmic scale, so that 1 is "just reached". */
import type { Entry } from "./figures.ts";

const ROW = 22;
const LEFT = 300;
const WIDTH = 500;
const TOP = 30;
/** The scale ends at a sixteenth and sixteen times the target. */
const OCTAVES = 4;

const escaped = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** Ratio over target, or target over ratio where less is better. */
function reach({ ratio, target, better }: Entry): number {
  return better === "higher" ? ratio / (target as number) : (target as number) / ratio;
}

const place = (value: number): number => LEFT + (WIDTH / 2) * (1 + Math.max(-OCTAVES, Math.min(OCTAVES, Math.log2(value))) / OCTAVES);

export function chart(entries: readonly Entry[], title: string): string {
  const rows = entries.filter(({ target }) => target !== null);
  const zero = place(1);
  const bars = rows.map((entry, i) => {
    const [y, end] = [TOP + i * ROW, place(reach(entry))];
    const [x, width] = [Math.min(zero, end), Math.max(1, Math.abs(end - zero))];
    const colour = reach(entry) >= 1 ? "#2a7f3f" : "#b03030";
    const sign = entry.better === "higher" ? "≥" : "≤";
    return `<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${escaped(entry.id)}</text><rect x="${x.toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 8}" fill="${colour}"/>`
      + `<text x="${LEFT + WIDTH + 8}" y="${y + 14}">${entry.ratio} (${sign} ${entry.target})</text>`;
  });
  const height = TOP + rows.length * ROW + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 170}" height="${height}" font-family="sans-serif" font-size="12">`
    + `<rect width="100%" height="100%" fill="#ffffff"/><text x="8" y="18">${escaped(title)}</text>${bars.join("")}`
    + `<line x1="${zero}" y1="${TOP}" x2="${zero}" y2="${height - 10}" stroke="#000000"/></svg>\n`;
}
