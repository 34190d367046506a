// Which device a call uses that may name none.
import { platform } from "#platform";
import { nearest, OptionError } from "../errors.ts";
import type { Device } from "./device.ts";

/** What `setDevice` said last. */
let standing: Device | undefined;

/**
 * The device of every later call that names none; `undefined` leaves the choice to `ATHANOR_DEVICE` and the platform
 * again.
 * @throws OptionError for a device that is unknown here. Whether it can be used shows with the first program.
 * @example
 * setDevice("webgpu");
 */
export function setDevice(device: Device | undefined): void {
  standing = device === undefined ? undefined : known(device);
}

/** The device to use: `wanted`, else that of `setDevice`, else `ATHANOR_DEVICE`, else the platform's own choice. */
export function chooseDevice(wanted?: Device): Device | Promise<Device> {
  const name = wanted ?? standing ?? platform.requested();
  return name === undefined || name === "" ? platform.preferred() : known(name);
}

/** `name` as a device. @throws OptionError for one that is unknown here. */
function known(name: string): Device {
  const known = Object.keys(platform.devices) as Device[];
  const device = known.find((d) => d === name);
  if (device !== undefined) return device;
  const near = nearest(name, known)[0];
  throw new OptionError(
    `device: must be one of ${known.join(", ")} here, got "${name}".${near ? ` Did you mean ${near}?` : ""}`,
  );
}
