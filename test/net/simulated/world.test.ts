import { World } from "../../../src/net/simulated/world.ts";
import { worldContract } from "../../support/world.contract.ts";

const make = (quality: { loss?: number; duplicate?: number; reorder?: number } = {}) => {
  const world = new World({ seed: 7 });
  const a = world.node("a", { addresses: ["192.0.2.1"], link: quality });
  const b = world.node("b", { addresses: ["192.0.2.2"], link: quality });
  return Promise.resolve({
    a,
    b,
    bAddress: "192.0.2.2",
    settle: <T>(promise: Promise<T>) => world.settle(promise),
    wait: <T>(begin: Parameters<typeof world.tasks.wait<T>>[0]) => world.tasks.wait(begin),
    close: () => {},
  });
};

const cert = "certificate of localhost";
worldContract("simulated", () => make(), { cert, key: "", ca: cert });
