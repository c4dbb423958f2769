import { carriesTrace, lowerCased } from './given-headers.ts'
import { meshAddress } from './mesh-address.ts'
import { type Calling, identityOf } from './mesh-request.ts'
import type { AxiosLike } from './public-types.ts'
import type { StartedCall } from './tracing.ts'

/** What is used of a request of axios; its headers are an object of its own class, which has `set` and `toJSON`. */
interface Config {
  url?: string
  baseURL?: string
  method?: string
  headers: {
    set(name: string, value: string | string[]): unknown
    toJSON(): Record<string, string | string[]>
  }
}

/** Installs interceptors. @returns takes them off again */
export function installAxios({ tracing, signer, ...where }: Calling, axios: AxiosLike): () => void {
  const calls = new WeakMap<object, StartedCall>()
  const asking = axios.interceptors.request.use((config: Config) => {
    const asked = urlOf(config)
    if (asked === null) return config
    const { url, host, service } = meshAddress(asked, where)
    const method = (config.method ?? 'get').toUpperCase()
    const given = lowerCased(config.headers.toJSON())
    const call = tracing.call({ method, url: asked, service }, carriesTrace(given))
    for (const [name, value] of Object.entries({ ...call.headers, ...identityOf(signer, host) })) {
      if (given[name] === undefined) config.headers.set(name, value)
    }
    if (host !== null) {
      config.headers.set('host', host)
      config.url = url.href
      config.baseURL = ''
    }
    calls.set(config, call)
    return config
  })
  const end = (config: object | undefined, result: number | Error) => {
    if (config === undefined) return
    calls.get(config)?.end(result)
    calls.delete(config)
  }
  const answered = axios.interceptors.response.use(
    (answer: { config: object; status: number }) => {
      end(answer.config, answer.status)
      return answer
    },
    (error: Error & { config?: object; response?: { status: number } }) => {
      end(error?.config, error?.response?.status ?? error)
      return Promise.reject(error)
    },
  )
  return () => {
    axios.interceptors.request.eject(asking)
    axios.interceptors.response.eject(answered)
  }
}

/** Null for what axios itself will not make a request of. */
function urlOf({ url = '', baseURL = '' }: Config): URL | null {
  const isAbsolute = /^[a-z][a-z\d+.-]*:\/\//i.test(url)
  const whole =
    isAbsolute || baseURL === '' ? url : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`
  return URL.canParse(whole) ? new URL(whole) : null
}
