import { duration, shownValue } from '../model/format.ts'
import type { Attributes, Span } from '../model/trace-shapes.ts'
import { State } from '../ui/icon.tsx'
import { TracedLink } from '../ui/traced-link.tsx'

/** All that a span tells. */
export function SpanDetails({ span, isCritical }: { readonly span: Span; readonly isCritical: boolean }) {
  return (
    <div class="span-details">
      <dl class="facts">
        <div>
          <dt>Service</dt>
          <dd>
            <TracedLink name={span.service} /> <span class="muted">{span.kind}</span>
          </dd>
        </div>
        <div>
          <dt>Itself</dt>
          <dd>
            {duration(span.self_time)} <span class="muted">without what it waited for</span>
          </dd>
        </div>
        <div>
          <dt>Critical path</dt>
          <dd>{isCritical ? duration(span.critical_time) : <span class="muted">not on it</span>}</dd>
        </div>
        <div>
          <dt>Status</dt>
          <dd>
            <State
              level={span.is_error ? 'bad' : 'ok'}
              text={span.is_error ? 'error' : span.status === 'unset' ? 'no error' : span.status}
            />
            {span.status_message}
          </dd>
        </div>
        {(span.clock_shift ?? 0) !== 0 && (
          <div>
            <dt>Clock</dt>
            <dd>
              moved by {duration(Math.abs(span.clock_shift ?? 0))}{' '}
              <span class="muted">its clock is another than its caller's</span>
            </dd>
          </div>
        )}
      </dl>
      <AttributeList title="Attributes" attributes={span.attributes} />
      {span.events.map((event) => (
        <AttributeList
          key={`${event.offset} ${event.name}`}
          title={`Event ${event.name}, after ${duration(event.offset)}`}
          attributes={event.attributes}
        />
      ))}
      <AttributeList title="Resource" attributes={span.resource} />
    </div>
  )
}

function AttributeList({ title, attributes }: { readonly title: string; readonly attributes: Attributes }) {
  const pairs = Object.entries(attributes)
  if (pairs.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <dl class="attributes">
        {pairs.map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{shownValue(value)}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}
