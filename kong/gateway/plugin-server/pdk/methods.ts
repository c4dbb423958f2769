/** Every PDK method that plugin servers may call here, by the name Kong knows it by. */
import {
  CLIENT_METHODS,
  IP_METHODS,
  LOG_METHODS,
  NGINX_METHODS,
  NODE_METHODS,
  ROUTER_METHODS,
  SHARED_METHODS,
} from './context-methods.ts'
import { never, type PdkMethod } from './method.ts'
import { REQUEST_METHODS } from './request-methods.ts'
import { RESPONSE_METHODS } from './response-methods.ts'
import { SERVICE_REQUEST_METHODS } from './service-request-methods.ts'

const FAMILIES: Readonly<Record<string, Readonly<Record<string, PdkMethod>>>> = {
  'kong.request': REQUEST_METHODS,
  'kong.service.request': SERVICE_REQUEST_METHODS,
  'kong.service.response': Object.fromEntries(
    ['get_status', 'get_header', 'get_headers', 'get_raw_body', 'get_body'].map((name) => [name, never()]),
  ),
  'kong.response': RESPONSE_METHODS,
  'kong.client': CLIENT_METHODS,
  'kong.router': ROUTER_METHODS,
  'kong.node': NODE_METHODS,
  'kong.nginx': NGINX_METHODS,
  'kong.ctx.shared': SHARED_METHODS,
  'kong.ip': IP_METHODS,
  'kong.log': LOG_METHODS,
}

export const PDK_METHODS: ReadonlyMap<string, PdkMethod> = new Map(
  Object.entries(FAMILIES).flatMap(([family, methods]) =>
    Object.entries(methods).map(([name, method]) => [`${family}.${name}`, method] as const),
  ),
)
