// docs/errors.md has every code that a person can meet, and none that is gone.
import { deepEqual } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', '..', '..')
/** Of Node, of OpenSSL, of HTTP parsers, of OTLP and Jaeger, names of variables, and states and values of Kong. */
const OTHERS =
  /^(ERR_|EAI_|HPE_|ALERT_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA$|STATUS_CODE_|(CHILD|FOLLOWS)_|(KONGSUL|XDG|OTEL)_|NO_COLOR$|(CONSUL|REDIS|CHROMIUM|NGINX|PROM\w*)_(BIN|URL|HTTP|TLS|CACERT|CLIENT)|KONG_(ADMIN|PROXY|WORKER|NGINX|DB|UPSTREAM|PLUGIN)|DNS_ERROR$|HEALTHCHECKS_OFF$)/
/** A code of one word, which no pattern tells from other words in capitals. */
const ONE_WORD = ['PAUSED']

function codesInSources(): readonly string[] {
  const files = ['operator', 'plugins'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path))
      .map((path) => readFileSync(join(root, folder, path), 'utf8')),
  )
  const found = files.flatMap((text) => [...text.matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)])
  const codes = new Set(found.map(([, code]) => code!).filter((code) => !OTHERS.test(code)))
  return [...codes, ...ONE_WORD]
}

test('docs/errors.md has every code, and no other', () => {
  const rows = readFileSync(join(root, 'docs', 'errors.md'), 'utf8').matchAll(/^\| (`[A-Z][^|]*) \|/gm)
  const documented = [...rows]
    .flatMap(([, cell]) => [...cell!.matchAll(/`([A-Z_0-9]+)`/g)])
    .map(([, code]) => code!)
  const codes = codesInSources()
  const without = codes.filter((code) => !documented.includes(code))
  const gone = documented.filter((code) => !codes.includes(code))
  deepEqual({ without, gone }, { without: [], gone: [] })
})
