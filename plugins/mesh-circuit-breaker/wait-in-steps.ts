// Keeps Kong waiting for a request, on purpose. Kong gives up a plugin that is silent for lua_socket_read_timeout (500 ms in
// our kong.conf), and our server takes an answer for too late after 100 ms: so Kong is asked something small in between,
// which makes the answer say that it was delayed.
import { setTimeout as delay } from 'node:timers/promises'
import { ChannelPdk, type PdkCalls } from '../server/form/pdk-calls.ts'
import { FAULT_HEADER } from './inject-fault.ts'

const STEP_MS = 50

export async function waitInSteps(kong: PdkCalls, ms: number): Promise<void> {
  // Kong's own server has no limit, and its PDK object would ask Kong for whatever is called on it.
  if (kong instanceof ChannelPdk) kong.allow(ms + STEP_MS)
  const endMs = performance.now() + ms
  for (;;) {
    await kong.response.setHeader(FAULT_HEADER, 'delay')
    const leftMs = endMs - performance.now()
    if (leftMs <= 0) return
    await delay(Math.min(leftMs, STEP_MS))
  }
}
