import type { Result, Row } from './fault.ts'

const rounded = (value: number | null): string => (value === null ? '' : String(Math.round(value)))

/** The rows as docs/faults.md. @param machine what they ran on, in words */
export function markdown(rows: readonly Row[], machine: string): string {
  const lines = [
    '# Faults',
    '',
    'One fault at a time is put to a whole mesh: Consul, the gateway, the operator, the plugins and three instances, each a',
    `process, with 200 requests a second, open loop. Machine: ${machine}. Repeat with \`npm run test:faults\`, or one`,
    'with `npm run test:faults -- NAME`; it ends with 1 when a row breaks its bound.',
    '',
    '- failed: requests without the answer 200, from the fault to the end, and how they failed.',
    '- others: what Fabio, Traefik, HAProxy, consul-template with nginx and Kong by Consul DNS had with the same fault, the same',
    '  load and three instances; empty where nobody measured it.',
    '- failing: from the fault until the last request that failed was sent. slowest: of the requests that were answered.',
    '- noticed: from the fault until kongsul, or the operator beside the one that it befell, knew of it; empty where there is nothing',
    '  to know (an instance that is slow and answers), or nobody to ask. whole: from its end until every instance serves and nothing fails.',
    '- new service: from its being in Consul after the fault until it is served.',
    '- Where no more was asked, the bounds are 0 failed and a new service within 1 s; the others are in `test/faults/`.',
    '- A full disk is a small tmpfs, for who is not root a limit on files (`ulimit -f`).',
    '- In the end of each row `kongsul plan` must find nothing to change: nothing was lost between Consul and Kong.',
    '',
    'The part that takes under five minutes runs with `npm test`, on the same meshes with less traffic: `traffic-crash`,',
    '`faults`, `grey-failures`, `consul-outage`, `operator-consul-access`, `operator-doubt`, `operator-killed-midway`, `operator-ha`,',
    '`leader-takeover`, `plugin-faults`, `otlp-export`, `legacy-outage` and `tls`, in `test/integration/`.',
    '',
    '| fault | failed of sent | others | failing ms | slowest ms | noticed ms | whole ms | new service ms | measured |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |',
    ...rows.map(lineOf),
  ]
  const broken = rows.flatMap(({ name, because, result }) =>
    (result?.broken ?? []).map((what) => `- ${name}: ${what}${because === '' ? '' : `. ${because}`}`),
  )
  if (broken.length > 0) lines.push('', '## Beyond their bound', '', ...broken)
  return `${lines.join('\n')}\n`
}

function lineOf({ name, what, peers, date, gateway, notRun, result }: Row): string {
  const first = `\`${name}\`: ${what}`
  const last = [date.replace('T', ' '), gateway].filter((part) => part !== '').join(', ')
  const cells =
    result === null
      ? [first, `not run: ${notRun}`, peers, '', '', '', '', '', last]
      : [
          first,
          failedOf(result),
          peers,
          rounded(result.failingMs),
          rounded(result.slowestMs),
          rounded(result.noticedMs),
          rounded(result.wholeMs),
          rounded(result.newServiceMs),
          last,
        ]
  return `| ${cells.join(' | ')} |`
}

function failedOf({ failed, sent, failures }: Result): string {
  const how = Object.entries(failures).map(([kind, count]) => `${count}x ${kind}`)
  return `${failed} of ${sent}${how.length > 0 ? ` (${how.join(', ')})` : ''}`
}
