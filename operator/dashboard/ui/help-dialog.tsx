import { LEVEL_WORDS, LEVELS } from '../model/severity.ts'
import { Dialog } from './dialog.tsx'
import { LevelIcon } from './icon.tsx'

const KEYS: readonly (readonly [key: string, what: string])[] = [
  ['/', 'find a service or a trace'],
  ['?', 'this help'],
  ['g o', 'overview'],
  ['g g', 'graph'],
  ['g t', 'traces'],
  ['g c', 'changes'],
  ['g s', 'configuration'],
  ['g v', 'overrides'],
  ['r', 'read everything again'],
  ['Arrows', 'in the graph: from node to node; Enter opens it, F puts it in the middle'],
  ['+ − 0', 'in the graph: nearer, farther, all of it'],
  ['← →', 'in a trace: folds a span, unfolds it'],
  ['Esc', 'closes this, leaves the search'],
]

const MEANINGS: Readonly<Record<(typeof LEVELS)[number], string>> = {
  bad: 'no or few instances are healthy, 10 % of requests fail, or something cannot be reached',
  warn: 'an instance is out, 1 % of requests fail, or a circuit is open',
  unknown: 'nothing is known: no instance, or nobody tells',
  idle: 'healthy as far as its checks tell, but nobody called it within the last minute',
  ok: 'healthy, and requests succeed',
}

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Help" onClose={onClose}>
      <h3>Keys</h3>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((each) => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <h3>What the signs mean</h3>
      <dl class="meanings">
        {LEVELS.map((level) => (
          <div key={level}>
            <dt>
              <LevelIcon level={level} /> {LEVEL_WORDS[level]}
            </dt>
            <dd>{MEANINGS[level]}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">
        Numbers are of the last minute. The range at the top says how far charts and lists look back. The
        address holds what is shown: a link shows somebody else the same. Everything here is also in the{' '}
        <a href="docs">API</a>.
      </p>
    </Dialog>
  )
}
