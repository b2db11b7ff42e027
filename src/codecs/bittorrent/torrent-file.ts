/** One file of a torrent. BEP 3, 47, 52. */

export interface TorrentFile {
  /** Safe elements, the torrent's name first where there are several files. */
  readonly path: readonly string[];
  readonly length: number;
  /** BEP 47: fills up to a piece's border. */
  readonly pad: boolean;
  readonly executable: boolean;
  readonly hidden: boolean;
  /** BEP 47: where the link leads, inside the torrent. */
  readonly symlink?: readonly string[];
  /** v2: hex. */
  readonly piecesRoot?: string;
}
