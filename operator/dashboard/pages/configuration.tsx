import { useMemo } from 'preact/hooks'
import { useNames } from '../data/mesh.ts'
import { go, usePlace } from '../data/place.ts'
import { useResource } from '../data/resource.ts'
import type { Configuration } from '../model/change-shapes.ts'
import { EDITABLE } from '../model/setting-rows.ts'
import { to } from '../model/url-state.ts'
import { Panel } from '../ui/panel.tsx'
import { Canaries } from './canaries.tsx'
import { SettingEditor } from './setting-editor.tsx'
import { SettingsTable } from './settings-table.tsx'
import { Splits } from './split-editor.tsx'

export function ConfigurationPage({ onToken }: { readonly onToken: () => void }) {
  const place = usePlace()
  const service = place.params['service'] ?? ''
  const query = service === '' ? 'configure' : `configure?service=${encodeURIComponent(service)}`
  const [loaded, retry] = useResource<Configuration>(query, 20_000)
  const names = useNames()
  // Drawn anew only where there are other services: there may be a thousand.
  const options = useMemo(
    () =>
      [...new Set([...(service === '' ? [] : [service]), ...names])].sort().map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      )),
    [names, service],
  )
  const choose = (name: string) => go(to(place, 'configuration', '', { service: name }))
  return (
    <>
      <h1>Configuration</h1>
      <p class="lead">
        Settings live in Consul: in KV, and weights of canaries in its configuration entries. What is changed
        here is written there, for every operator and every Kong.
      </p>
      <div class="toolbar toolbar-page">
        <label>
          <span>Settings of</span>
          <select value={service} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="">the whole mesh (mesh/defaults)</option>
            {options}
          </select>
        </label>
      </div>
      <div class="columns columns-even">
        <div>
          {EDITABLE.map((group) => (
            <Panel key={`${service} ${group.what}`} title={group.title} loaded={loaded} retry={retry}>
              {(configuration) => (
                <SettingEditor
                  key={`${service} ${group.what}`}
                  group={group}
                  service={service}
                  configuration={configuration}
                  onDone={retry}
                  onToken={onToken}
                />
              )}
            </Panel>
          ))}
        </div>
        <div>
          <Splits key={service} service={service} onToken={onToken} />
          <Canaries key={`canaries ${service}`} service={service} onToken={onToken} />
          <Panel title="In force" loaded={loaded} retry={retry}>
            {(configuration) => (
              <SettingsTable key={service} configuration={configuration} service={service} />
            )}
          </Panel>
        </div>
      </div>
    </>
  )
}
