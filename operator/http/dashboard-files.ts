import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { RequestError } from './request-error.ts'

/** Only what the operator itself serves: no inline script or style, no other origin, no frame around it. */
export const DASHBOARD_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types kongsul',
].join('; ')

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

interface StaticFile {
  readonly body: Buffer
  readonly gzipped: Buffer
  readonly type: string
  readonly etag: string
}

/**
 * The dashboard at `/`, and its files at `/assets/`, whose names change with their content. They hold nothing of the mesh,
 * so that they are open to everybody: the page asks the API, which asks for a token.
 * @param folder of the build; read when first asked for, since a build may still be under way
 */
export const dashboardFiles =
  (folder: string) =>
  (app: FastifyInstance): void => {
    const files = new Map<string, StaticFile>()
    endpoint(app, {
      method: 'GET',
      path: '/',
      summary: 'The dashboard.',
      door: 'open',
      answer: 'text/html',
      errors: [404],
      handle: ({ request, reply }) => {
        // Named anew by each build: it is asked for every time, and says when it is the same.
        const file = read(join(folder, 'index.html'))
        if (file === null) {
          throw new RequestError(404, 'the dashboard is not built here; run: node operator/setup/build.mjs')
        }
        reply.headers({
          'cache-control': 'no-cache',
          'content-security-policy': DASHBOARD_POLICY,
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
          'cross-origin-opener-policy': 'same-origin',
        })
        reply.header('etag', file.etag)
        if (request.headers['if-none-match'] === file.etag) {
          reply.code(304)
          return ''
        }
        return send(file, request, reply)
      },
    })
    endpoint(app, {
      method: 'GET',
      path: '/assets/:file',
      summary: 'Files of the dashboard.',
      door: 'open',
      params: { file: z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/, 'must be the name of a file') },
      answer: 'text/javascript',
      errors: [404],
      example: { params: { file: 'dashboard.js' } },
      handle: ({ params: { file: name }, request, reply }) => {
        const assets = join(folder, 'assets')
        const isThere = files.has(name) || (existsSync(assets) && readdirSync(assets).includes(name))
        const file = isThere ? (files.get(name) ?? read(join(assets, name))) : null
        if (file === null) throw new RequestError(404, `the dashboard has no file ${name}`)
        files.set(name, file)
        reply.headers({
          'cache-control': 'public, max-age=31536000, immutable',
          'x-content-type-options': 'nosniff',
          // A worker has a policy of its own.
          'content-security-policy': "default-src 'none'",
        })
        return send(file, request, reply)
      },
    })
  }

function read(path: string): StaticFile | null {
  if (!existsSync(path)) return null
  const body = readFileSync(path)
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  return {
    body,
    gzipped: gzipSync(body),
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    etag: `"${digest}"`,
  }
}

function send(file: StaticFile, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const takesGzip = /\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))
  reply.type(file.type).header('vary', 'accept-encoding')
  return takesGzip ? reply.header('content-encoding', 'gzip').send(file.gzipped) : reply.send(file.body)
}
