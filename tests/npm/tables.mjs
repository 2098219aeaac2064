// The tables of docs/real-modules.md.

const ratio = (a, b) => `${((100 * a) / b - 100).toFixed(1).replace('-', '−')} %`;

/** Markdown: one row for each module, one for each program. */
export function tables(modules, before, sets, options) {
  const lines = [
    `| module | from | kB | functions | raw | features | ${sets.map((s) => `${s}: size, reverted, s`).join(' | ')} | programs |`,
    `|---|---|--:|--:|--:|---|${sets.map(() => '---').join('|')}|---|`,
  ];
  const sums = { bytes: 0, functions: 0, raw: 0, after: {}, seconds: {}, reverted: {} };
  for (const m of modules) {
    const cells = sets.map((s) => {
      const r = m.results[s];
      if (r.error) return `**${r.error.slice(0, 60).replace(/\s+/g, ' ')}**`;
      sums.after[s] = (sums.after[s] ?? 0) + r.bytes;
      sums.seconds[s] = (sums.seconds[s] ?? 0) + r.seconds;
      sums.reverted[s] = (sums.reverted[s] ?? 0) + r.functions.reverted;
      return `${ratio(r.bytes, m.bytes)}, ${r.functions.reverted}, ${r.seconds.toFixed(1)}`;
    });
    const raw = Object.values(m.results).find((r) => r.functions)?.functions.raw ?? 0;
    sums.bytes += m.bytes;
    sums.functions += m.functions;
    sums.raw += raw;
    lines.push(`| ${m.name}${m.copies > 1 ? ` (×${m.copies})` : ''} | ${m.language} | ${Math.round(m.bytes / 1000)} | ${m.functions} | ${raw} | ${m.features.join(', ')} `
      + `| ${cells.join(' | ')} | ${m.programs.join(', ')} |`);
  }
  lines.push(`| ${modules.length} modules | | ${Math.round(sums.bytes / 1000)} | ${sums.functions} | ${sums.raw} | | ${sets.map((s) =>
    `${ratio(sums.after[s], sums.bytes)}, ${sums.reverted[s]}, ${Math.round(sums.seconds[s])}`).join(' | ')} | |`, '');
  lines.push(`| program | observations | ${sets.join(' | ')} |`, `|---|--:|${sets.map(() => '---').join('|')}|`);
  for (const [name, b] of before)
    lines.push(`| ${name} | ${b.lines.length} | ${sets.map((s) => (b.after?.[s] ? '**differs**' : 'equal')).join(' | ')} |`);
  lines.push('', ...sets.map((s) => `- ${s}: \`${options[s].join(' ')}\``));
  return lines.join('\n') + '\n';
}
