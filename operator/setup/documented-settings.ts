import { environmentOf, flagOf, type Setting } from '../config/setting.ts'
import { SETTINGS } from '../config/settings-table.ts'

/** docs/settings.md: every setting of the process, made of the table that the process reads them by. */
export function settingsText(settings: readonly Setting[] = SETTINGS): string {
  return `# Settings of the process

A flag is stronger than the environment, which is stronger than \`kongsul.yaml\` (or the file that \`--config\` or
\`KONGSUL_CONFIG\` names), which is stronger than the default. In the file a setting stands under the words of its name:
\`api: {writeRate: 50}\`. The flag is the name in kebab case, \`${flagOf('api.writeRate')}\`; the environment has it as
\`${environmentOf('api.writeRate')}\`, and some by a second name. \`kongsul config process\` prints every value and where it
comes from. Settings of services are in Consul: see the [README](../README.md#settings-live-in-consul).

| Setting | Default | Also in the environment as | What it is |
| --- | --- | --- | --- |
${settings.map(row).join('\n')}
`
}

function row({ path, fallback, environment = [], help, secret }: Setting): string {
  const also = environment.map((name) => `\`${name}\``).join(', ')
  const told = secret === true ? `${help} (never printed)` : help
  return `| \`${path}\` | ${fallback === undefined ? '' : `\`${fallback}\``} | ${also} | ${told.replaceAll('|', '\\|')} |`
}
