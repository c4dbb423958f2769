import type { IncomingMessage } from 'node:http'
import type { RawKey } from './raw-rows.ts'

type Headed = Pick<IncomingMessage, 'headers'>

/**
 * A read of KV as Consul answers it: no rows where there is no such key. Not through the package's own method: that throws where
 * nobody catches it when a row is null.
 */
export async function orNoRows(
  asked: Promise<readonly [Headed, unknown]>,
): Promise<[response: Headed, body: unknown]> {
  try {
    const [response, body] = await asked
    return [response, body]
  } catch (error) {
    const { response } = error as { readonly response?: Headed & { readonly statusCode?: number } }
    if (response?.statusCode === 404) return [response, []]
    throw error
  }
}

/** Rows with their values as text. */
export const decodedRows = <Row extends Pick<RawKey, 'Value'>>(rows: readonly Row[]): readonly Row[] =>
  rows.map((row) => ({ ...row, Value: row.Value === null ? null : textOf(row.Value) }))

const textOf = (base64: string | undefined): string | null =>
  base64 === undefined ? null : Buffer.from(base64, 'base64').toString()
