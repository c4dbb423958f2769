import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import type { ConsulReader, ReadOptions } from '../../../operator/consul/consul-reader.ts'
import { watchEntries } from '../../../operator/consul/entries-watch.ts'
import { waitFor } from '../../support/wait-for.ts'

const KIND = 'proxy-defaults'

test('entries are kept when Consul comes back without its data, also of the kind that is read beside another', async () => {
  const stopping = new AbortController()
  const { signal } = stopping
  const rows = new Map([[KIND, [{ Kind: KIND, Name: 'global' }] as unknown[]]])
  let state: 'up' | 'away' | 'emptied' = 'up'
  let readsEmptied = 0
  const entries = async (kind: string, { index = 0n }: ReadOptions = {}) => {
    if (state === 'away') throw new ConsulError('CONSUL_UNREACHABLE', 'config.list', 'connection refused')
    if (state === 'emptied' && kind === KIND) readsEmptied++
    const now = state === 'up' ? 100n : 7n
    if (index === now) await waitFor(() => signal.aborted || state === 'away')
    return { body: state === 'up' ? (rows.get(kind) ?? []) : [], index: now }
  }
  let known: readonly unknown[] | null = null
  const doubts = new Map<string, ConsulError | null>()
  const watching = watchEntries({
    reader: { entries, hasEntry: async () => false } as unknown as ConsulReader,
    signal,
    onRows: (kind, list) => {
      if (kind === KIND) known = list
    },
    onDoubt: (kind, doubt) => void doubts.set(kind, doubt),
  })
  try {
    await waitFor(() => known?.length === 1)
    state = 'away'
    await waitFor(() => doubts.get('service-defaults') && doubts.get(KIND))
    state = 'emptied'
    await waitFor(() => readsEmptied > 0 && doubts.get(KIND) === null)
    equal(known!.length, 1)
  } finally {
    stopping.abort()
    await watching
  }
})
