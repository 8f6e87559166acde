/** The gateway's own account at a provider is at fault: another deployment may have a better one. */
export class CredentialsFailed extends Error {
	override readonly name = "CredentialsFailed";
}
