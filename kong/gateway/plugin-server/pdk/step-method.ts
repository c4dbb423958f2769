/** Which step carries the answer of a PDK method; Kong types some of them. */
export function stepMethodFor(pdkMethod: string): string {
  return TYPED.get(pdkMethod) ?? 'plugin.Step'
}

const TYPED = new Map([
  ['kong.client.get_credential', 'plugin.StepCredential'],
  ['kong.client.authenticate', 'plugin.StepCredential'],
  ['kong.client.load_consumer', 'plugin.StepConsumer'],
  ['kong.client.get_consumer', 'plugin.StepConsumer'],
  ['kong.node.get_memory_stats', 'plugin.StepMemoryStats'],
  ['kong.router.get_route', 'plugin.StepRoute'],
  ['kong.router.get_service', 'plugin.StepService'],
  ['kong.request.get_query', 'plugin.StepMultiMap'],
  ['kong.request.get_headers', 'plugin.StepMultiMap'],
  ['kong.response.get_headers', 'plugin.StepMultiMap'],
  ['kong.service.response.get_headers', 'plugin.StepMultiMap'],
])
