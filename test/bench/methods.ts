// How each part is measured, for docs/bench.md: what is set up, what loads it, and whose numbers stand beside ours.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const { dependencies, devDependencies } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
) as Readonly<Record<'dependencies' | 'devDependencies', Readonly<Record<string, string>>>>

const MESH = 'A real Consul agent and the dev gateway in processes of their own'
const OPEN_LOOP = 'in an open loop: a request is sent when it is due, whether others have ended or not'

export const METHODS: Readonly<Record<string, string>> = {
  call: `${MESH}. 500 requests in a row over a kept connection to one instance that answers at once, in turns straight to the proxy, by the code of \`POST /call\`, and by a request to the operator.`,
  configure: `${MESH}. 40 times \`POST /configure/load-balancer\`; a client asks the Admin API for the upstream until it shows the new algorithm.`,
  discover:
    'The API with discover alone, and a bare `node:http` server with the same bytes, each in a process of its own; 8 kept connections, one request under way on each, 20,000 requests, five rounds in turns, the middle one.',
  breaker: `One process. A million decisions with their reports on one service, and on 10,000 in turn; the middle of 7 rounds. Beside it opossum ${devDependencies['opossum']} and cockatiel ${devDependencies['cockatiel']} (\`SamplingBreaker\`), each with the same window, threshold and outcome, 100,000 calls. Memory: heap after collection over 10,000 circuits with traffic (theirs: 1,000).`,
  follow: `${MESH}. 40 new services and 40 new instances; a client asks the proxy without a pause until it gets the answer. "Written by hand" is the shortest way there is: one blocking query on that very service, the same Admin calls in a row, the same client.`,
  failover: `${MESH}, three instances, 200 requests/s ${OPEN_LOOP}. One instance is killed (SIGKILL), deregistered, comes back.`,
  features: `Every part a process, 300 requests/s ${OPEN_LOOP}. The same gateway and the same instances, through a service with both plugins and through one made by hand without them, in turns, three rounds of 3 s.`,
  grey: `Every part a process, three instances, 200 requests/s ${OPEN_LOOP}. One instance begins to answer 500, or to hang, while its health check passes. The baseline is the same fault with \`circuitBreaker.mode: disabled\`.`,
  outcomes:
    'Lines of the access log as Kong 3.9.1 wrote them, with their retries, refusals and aborts, parsed 400 times in 9 rounds; beside it `JSON.parse` of the same lines, the least there is to do. Then over UDP, and through a whole mesh up to the operator; beside that a timer of 10 ms and a bare POST.',
  planning:
    'No network. The desired state of 2,000 services x 3 after a change of one, the middle of 50; beside it all of it anew.',
  'plugin-faults': `Every part a process, both plugins, 300 requests/s ${OPEN_LOOP}. The working plugin process gets SIGKILL, then SIGSTOP.`,
  'plugin-server': `The exchange of mesh-tracing as Kong makes it, on 16 connections, 20,000 events a round, the middle of 9 rounds in turns, each server in a session of its own. Beside it the server of kong-pdk ${dependencies['kong-pdk']} with the same plugin, and two bare servers that answer bytes that were ready before: on Node's streams, and on sockets as ours, which is the least that any server in Node can cost. The load takes two thirds of a core at 45,000 events/s, so that no server is shown to do more than some 75,000. Then a million events for the memory.`,
  propagation:
    'One process, 100,000 calls, the middle of 15 rounds. Beside it the least that could be done with a `traceparent`: a regular expression, a template, and the same source of ids.',
  proxy:
    'One instance and one client for all ways, 4,000 requests over 8 kept connections after 3,000 to warm up, the middle of 3 rounds. nginx: one process (`master_process off`), no access log, `keepalive 64` to the instance. The dev gateway stands in for Kong: what Kong itself costs is not measured here.',
  scale: `${MESH}. 2,000 services x 3 are in Consul before the operator starts; then 20 single changes, then 15 s of rest in which requests are counted. \`BENCH_SCALE_SERVICES\` takes another size.`,
  churn: `${MESH}. 500 services, 100 changes a second for a while: instances come, go, turn critical. In the end Kong is compared with Consul, target by target.`,
  parallel:
    'A proxy before the Admin API takes 8 ms for each call. The first sync of 300 services with eight calls at a time, and with one.',
  outage: `${MESH}. Consul is killed under 200 requests/s and comes back 5 s later, with its data and without. How long it takes until a new service is served.`,
  takeover:
    'Two processes of the election alone and a real Consul. The one that leads gets SIGKILL, SIGTERM or SIGSTOP, three times each; counted until the other may write.',
  traces:
    'The collector in a process of its own, at its bounds: 10,000 traces of 10 spans by OTLP in JSON, 50 spans a request, then a million spans more. Beside taking a span in: decoding it. Searches: the middle of 15.',
}
