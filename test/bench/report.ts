import { type Figure, isFailure, ratioOf } from './figure.ts'
import { METHODS } from './methods.ts'

const round = (value: number): string =>
  Number.isInteger(value) ? String(value) : Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)

/** The figures of a run as a Markdown table. */
export function markdown(parts: ReadonlyMap<string, readonly Figure[]>, machine: string): string {
  const lines = [
    '# Benchmarks',
    '',
    `Machine: ${machine}. Repeat with \`npm run bench\`, or one part with \`npm run bench -- NAME\`. A run fails only`,
    'when a ratio to a baseline of the same run is above its limit; goals are for the reference machine.',
    '`npm run bench -- --compare docs/bench.json` runs it and tells what is more than half as much worse than that run (exit code',
    '1 then); with two files it compares them and runs nothing. Where a figure has a baseline the ratios are compared, so that a slower',
    'machine is no regression.',
    ...losses(parts),
  ]
  for (const [name, figures] of parts) {
    lines.push(
      '',
      `## ${name}`,
      '',
      METHODS[name] ?? '',
      `Again: \`npm run bench -- ${name}\`.`,
      '',
      `![${name}](bench/${name}.svg)`,
      '',
      '| figure | value | goal | baseline | ratio | limit |',
      '| --- | ---: | ---: | --- | ---: | ---: |',
    )
    for (const figure of figures) {
      const ratio = ratioOf(figure)
      const cells = [
        figure.what,
        `${round(figure.value)} ${figure.unit}`,
        figure.goal === undefined ? '' : `${round(figure.goal)} ${figure.unit}`,
        figure.baseline ? `${figure.baseline.what}: ${round(figure.baseline.value)} ${figure.unit}` : '',
        ratio === null ? '' : `${round(ratio)}${isFailure(figure) ? ' **too high**' : ''}`,
        figure.maxRatio === undefined ? '' : round(figure.maxRatio),
      ]
      lines.push(`| ${cells.join(' | ')} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** A difference that one run may have and the next not is no loss. */
const NOTABLE = 1.05

/** What is worse than its baseline, the largest loss first: whoever decides by this page looks for it. */
function losses(parts: ReadonlyMap<string, readonly Figure[]>): readonly string[] {
  const rows = [...parts].flatMap(([name, figures]) =>
    figures.flatMap((figure) => {
      const ratio = ratioOf(figure)
      if (ratio === null || figure.baseline!.value === 0) return []
      const times = figure.unit.endsWith('/s') ? 1 / ratio : ratio
      return times < NOTABLE ? [] : [{ name, figure, times }]
    }),
  )
  return [
    '',
    '## Where we lose',
    '',
    'Figures of this run that are worse than their baseline. Some baselines are the least that can be done at all, without what a mesh',
    'is for. Beside other meshes, which do not run here: [README](../README.md#numbers). Fabio is as quick as we are with a new service, and',
    'some milliseconds quicker with a new instance.',
    '',
    '| part | figure | baseline | times worse |',
    '| --- | --- | --- | ---: |',
    ...rows
      .sort((left, right) => right.times - left.times)
      .map(
        ({ name, figure: { what, baseline }, times }) =>
          `| [${name}](#${name}) | ${what} | ${baseline!.what} | ${round(times)} |`,
      ),
  ]
}
