// Writes what is made of code: docs/api.md, docs/cli.md, docs/metrics.md, docs/settings.md and the dashboards of Grafana.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DASHBOARDS } from '../../kong/grafana/dashboards.ts'
import { program } from '../cli/program.ts'
import { apiText } from './documented-api.ts'
import { commandsText } from './documented-commands.ts'
import { metricsText } from './documented-metrics.ts'
import { settingsText } from './documented-settings.ts'

const root = join(import.meta.dirname, '..', '..')
const dashboards = join(root, 'kong', 'grafana', 'dashboards')

mkdirSync(dashboards, { recursive: true })
for (const [name, text] of DASHBOARDS) writeFileSync(join(dashboards, name), text)
writeFileSync(join(root, 'docs', 'api.md'), await apiText())
writeFileSync(join(root, 'docs', 'cli.md'), commandsText(await program(null)))
writeFileSync(join(root, 'docs', 'metrics.md'), metricsText())
writeFileSync(join(root, 'docs', 'settings.md'), settingsText())
