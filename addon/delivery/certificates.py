"""Determine why a vendor's certificate was not accepted."""

from addon.planning.result import ProblemCode

EXPIRED = "its certificate is not trusted: it has expired, and the vendor must renew it"
X509_V_ERR_CERT_HAS_EXPIRED = 10
X509_V_ERR_HOSTNAME_MISMATCH = 62
X509_V_ERR_IP_ADDRESS_MISMATCH = 64
X509_V_ERR_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21, 27)
"""OpenSSL's numbers; the last are of issuers that are missing, self-signed or not trusted."""


def certificate_problem(error: Exception) -> tuple[str, ProblemCode]:
    """Return what is wrong with a certificate that was not accepted."""
    code = getattr(error, "verify_code", 0)
    if code == X509_V_ERR_CERT_HAS_EXPIRED:
        return EXPIRED, "certificate-expired"
    if code in (X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH):
        said = "its certificate is not trusted: it is for another address than in vendors.toml"
        return said, "certificate-name"
    if code in X509_V_ERR_UNKNOWN_AUTHORITY:
        said = "its certificate is not trusted: its authority is not known; see caBundle"
        return said, "certificate-authority"
    return "its certificate is not trusted; see caBundle", "certificate"
