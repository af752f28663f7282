/**
 * Marks a call of the gateway's own as one that the emulator asks no IAM about, for then somebody has switched its
 * enforcement on: it lets calls with this header pass unsigned, as clients of Cognito make them. Services of the query
 * protocol read their action from the body, so it changes nothing else.
 */
export const ownCallHeader = ["X-Amz-Target", "AWSCognitoIdentityService.GetId"] as const;
