// The SDK is pinned to versions that run on Node 20; its warning would stand in every test's output.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
