import { revealed, type Secret } from '../telemetry/secret.ts'

/** papi (under the `consul` package) calls these with every request, right before it is sent; its types do not tell. */
interface Extensible {
  _ext(event: 'onRequest', extension: (request: Request, next: () => void) => void): void
}

interface Request {
  readonly req: { readonly headers: Record<string, string> }
}

/** The same client, which shows the token that there is at the moment of each request. */
export function withToken<C>(client: unknown, token: Secret | string | undefined): C {
  const extensible = client as Extensible
  extensible._ext('onRequest', ({ req }, next) => {
    const shown = revealed(token)
    if (shown !== undefined) req.headers['x-consul-token'] = shown
    next()
  })
  return client as C
}
