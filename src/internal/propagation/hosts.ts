/** Decides to which hosts a trace is passed on. */
import { portOf } from "./http.ts"

/** Names of hosts, or a predicate on the address of a call. */
export type Hosts = ReadonlyArray<string> | ((url: URL) => boolean)

/**
 * Accepts only loopback addresses unless hosts are named, because ids and baggage are no business of a third party.
 *
 * A name with a port matches that port only. `*.example.com` matches every host below `example.com`.
 */
export const hostFilter = (hosts: Hosts | undefined): (url: URL) => boolean => {
  if (hosts === undefined) return isLoopback
  if (typeof hosts === "function") {
    return (url) => {
      try {
        return hosts(url)
      } catch {
        return false
      }
    }
  }
  const names = hosts.map((host) => host.toLowerCase())
  return (url) => {
    // `URL` drops the default port of the scheme, but a name may state it
    const withPort = `${url.hostname}:${portOf(url)}`
    return names.some((name) => matches(name, url.hostname) || matches(name, withPort))
  }
}

// internal

const matches = (name: string, host: string): boolean =>
  name.startsWith("*.") ? host.length > name.length - 1 && host.endsWith(name.slice(1)) : host === name

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
