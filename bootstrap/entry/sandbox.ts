import { Command } from "commander";

export function sandboxCommands(): Command {
  return new Command("sandbox");
}
