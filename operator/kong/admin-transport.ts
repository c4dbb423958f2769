import http from 'node:http'
import https from 'node:https'
import { type AxiosAdapter, AxiosError, type AxiosResponse } from 'axios'

/**
 * How axios sends a request of the Admin API. Its own adapter is made for anything an address can be: redirects, proxies,
 * packed and streamed bodies, progress. None of that is Kong's, and it is half of what a call costs the operator.
 *
 * Fails as that one does: with the code of the socket's error, ECONNABORTED for no answer in time, and the request.
 */
export const adminTransport: AxiosAdapter = (config) =>
  new Promise<AxiosResponse<string>>((resolve, reject) => {
    const url = new URL(`${config.baseURL ?? ''}${config.url ?? ''}`)
    const isTls = url.protocol === 'https:'
    const request = (isTls ? https : http).request(url, {
      method: config.method?.toUpperCase() ?? 'GET',
      headers: { ...config.headers.toJSON(), 'user-agent': 'kongsul' } as http.OutgoingHttpHeaders,
      agent: isTls ? config.httpsAgent : config.httpAgent,
    })
    const fail = (error: Error) => reject(AxiosError.from(error, codeOf(error), config, request))
    request.on('error', fail)
    request.setTimeout(config.timeout ?? 0, () => {
      const text = `timeout of ${config.timeout}ms exceeded`
      request.destroy(Object.assign(new Error(text), { code: AxiosError.ECONNABORTED }))
    })
    request.on('response', (response) => {
      let data = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        data += chunk
      })
      // An answer that was cut short.
      response.on('error', fail)
      response.on('end', () => {
        const { statusCode = 0, statusMessage = '', headers } = response
        resolve({ data, status: statusCode, statusText: statusMessage, headers, config, request } as never)
      })
    })
    request.end(config.data)
  })

const codeOf = (error: Error): string | undefined => (error as NodeJS.ErrnoException).code
