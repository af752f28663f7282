#!/usr/bin/env node
import "../dist/rekindle.js";
