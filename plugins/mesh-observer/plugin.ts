// mesh-observer: tells in the log phase what became of a request, for a Kong whose access log cannot be had. After the
// answer, late among the plugins of that phase; one PDK call, and whatever goes wrong is counted.
import { feedToken } from '../outcomes/feed-token.ts'
import { createMeshHeaderCodec } from '../outcomes/mesh-headers.ts'
import { definePlugin } from '../server/form/define-plugin.ts'
import type { PluginModule } from '../server/form/plugin-module.ts'
import { Observer } from './observer.ts'
import { schema } from './schema.ts'

/** The plugin over what takes its records. */
export function observerPlugin(reportedTo: Pick<Observer, 'take' | 'lost'>): Required<PluginModule> {
  return definePlugin<null>({
    name: 'mesh-observer',
    version: '0.1.0',
    priority: 12,
    schema,
    configure: () => null,
    handlers: {
      async log(kong) {
        let record: unknown
        try {
          record = await kong.log.serialize()
        } catch {
          return reportedTo.lost() // Kong refused, or went on without: all that is lost is this outcome
        }
        reportedTo.take(record)
      },
    },
  })
}

/** Of this process; whoever runs the plugins connects it with what takes outcomes. */
export const observer = new Observer(createMeshHeaderCodec(feedToken(process.env['KONGSUL_FEED_LINE_TOKEN'])))

export const { Plugin, Name, Version, Priority, Schema, Handlers } = observerPlugin(observer)
