/** Endpoints at which media were announced, from any flow: RFC 8866, RFC 3264. */
import type { MediaAnnouncement, MediaRegistry } from "./dissector.ts";

/** Announcements kept; the oldest goes first. */
const MAX_ANNOUNCED = 16_384;

export class Media implements MediaRegistry {
  /** Changes with each announcement, so that flows once looked up need no second look before. */
  version = 0;
  private readonly endpoints = new Map<string, MediaAnnouncement>();

  announce(address: string, port: number, announcement: MediaAnnouncement): void {
    const key = `${address} ${port}`;
    this.endpoints.delete(key);
    this.endpoints.set(key, announcement);
    this.version++;
    if (this.endpoints.size > MAX_ANNOUNCED) {
      const oldest = this.endpoints.keys().next().value;
      if (oldest !== undefined) this.endpoints.delete(oldest);
    }
  }

  lookup(address: string, port: number): MediaAnnouncement | undefined {
    return this.endpoints.size === 0 ? undefined : this.endpoints.get(`${address} ${port}`);
  }
}
