"""Where Azurite's answers are known to differ from Azure's, and the emulator does as Azure. Each has its source.

test_blob_semantics.py fails where two answers differ and no row says so, and where a row is not needed any more.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """What is different, where, and who says what Azure does."""

    what: str
    source: str
    # Patterns: of the value's path in an answer (or `outcome`, the status and the error), of the request, of the case.
    value: str
    request: str = ""
    case: str = ""
    # Patterns of what each says. `None`: nothing.
    azurite: str = ".*"
    azure: str = ".*"

    def explains(self, case, request, path, azurite, azure):
        return (
            bool(re.fullmatch(self.value, path))
            and bool(re.search(self.request, request))
            and bool(re.search(self.case, case))
            and bool(re.fullmatch(self.azurite, str(azurite), re.S))
            and bool(re.fullmatch(self.azure, str(azure), re.S))
        )


# The sources: a line of interop/recorded/ml-blob.jsonl, or a page of Microsoft's documentation.
RECORDED = "recorded: "
AUTHENTICATE = RECORDED + "a signature that is wrong is AuthenticationFailed, with a detail"
LIST_BLOBS, GET_BLOB, PUT_BLOB = "'List Blobs'", "'Get Blob'", "'Put Blob'"
BLOCK_LIST, PUT_BLOCK_LIST = "'Get Block List'", "'Put Block List'"
PROPERTIES, CONTAINER, ERRORS = (
    "'Get Blob Properties'",
    "'Get Container Properties'",
    "'Blob Storage error codes'",
)
CONDITIONS = "'Specifying conditional headers for Blob Storage operations'"

DIFFERENCES = [
    # --- every answer
    Difference(
        "each answer repeats the version of the request; Azurite names its own newest one, and none in an error",
        RECORDED + "x-ms-version is that of the request",
        r"/headers/x-ms-version|/body/SignedVersion",
        azurite="2025-11-05|None",
    ),
    Difference(
        "an error repeats the client's id of the request",
        RECORDED + "a SAS lacks the permission",
        r"/headers/x-ms-client-request-id",
        azurite="None",
        azure="<as sent>",
    ),
    Difference(
        "a 304 has no body and no type", "RFC 9110", r"/headers/content-type", azure="None", case="a date"
    ),
    Difference(
        "Azure's message has a spelling of its own",
        "azure-sdk-for-net issue 12414 and others: 'The specifed resource name contains invalid characters.'",
        r"/body/Message|/reason",
        case="name is wrong",
        azure="The specifed resource name contains invalid characters\\.",
    ),
    # --- containers
    Difference(
        "a container's encryption scope and immutability are told",
        CONTAINER,
        r"/headers/x-ms-(default-encryption-scope|deny-encryption-scope-override"
        r"|immutable-storage-with-versioning-enabled)",
        azurite="None",
    ),
    Difference(
        "a list of containers tells them too",
        "'List Containers'",
        r"/body/Containers/Container(#\d+)?/Properties/(Default|Deny)Encryption.*"
        r"|/body/Containers/Container(#\d+)?/Properties/ImmutableStorage.*",
        azurite="None",
    ),
    # --- properties of blobs
    Difference(
        "the answer to an upload has the content's CRC64",
        RECORDED + "code upload",
        r"/headers/x-ms-content-crc64",
        request="^PUT",
        azurite="None",
    ),
    Difference(
        "a download tells the access tier",
        RECORDED + "code download",
        r"/headers/x-ms-access-tier(-inferred)?",
        request="^GET",
        azurite="None",
    ),
    Difference(
        "only a tier that was changed has a time of its change",
        PROPERTIES,
        r"/headers/x-ms-access-tier-change-time|/body/.*/AccessTierChangeTime",
        azurite="<date>",
        azure="None",
    ),
    Difference(
        "a tier that was set is not inferred, and that is not told",
        PROPERTIES,
        r"/headers/x-ms-access-tier-inferred",
        azurite="false",
        azure="None",
    ),
    Difference(
        "the hash of the whole blob is told beside that of a range only",
        GET_BLOB,
        r"/headers/x-ms-blob-content-md5",
        azure="None",
    ),
    Difference(
        "only an incremental copy and a sealed blob say that they are one",
        PROPERTIES,
        r"/headers/x-ms-(incremental-copy|blob-sealed)",
        azurite="false",
        azure="None",
    ),
    Difference(
        "a range that begins at the blob's end is past it",
        GET_BLOB,
        "outcome",
        case="^a range is read$",
        azurite="206",
        azure="416 InvalidRange",
    ),
    Difference(
        "a condition for any blob is not met by none",
        CONDITIONS,
        "outcome",
        case="put if it is not there",
        azurite="201",
        azure="412 ConditionNotMet",
    ),
    Difference(
        "a wrong hash has errors of its own",
        ERRORS,
        "outcome",
        case="hash is checked",
        azurite="400 InvalidOperation",
        azure="400 (Md5Mismatch|InvalidMd5)",
    ),
    Difference(
        "a name has 1,024 characters at most",
        "'Naming and referencing containers, blobs, and metadata'",
        "outcome",
        case="name is too long",
        azurite="201",
        azure="400 .*",
    ),
    Difference(
        "Azurite rejects by its description of the requests, without a code",
        ERRORS,
        "outcome",
        azurite="400",
        azure="400 (InvalidQueryParameterValue|OutOfRangeQueryParameterValue|InvalidHeaderValue"
        "|MissingRequiredHeader|MissingRequiredQueryParameter)",
    ),
    # --- blocks
    Difference(
        "the hash of a block list is told to who has sent one",
        PUT_BLOCK_LIST,
        r"/headers/content-md5",
        request="comp=blocklist",
        azurite="<of the request>",
        azure="None",
    ),
    Difference(
        "a blob without committed blocks has no etag and no time",
        BLOCK_LIST,
        r"/headers/(etag|last-modified)",
        request="comp=blocklist",
        azure="None",
    ),
    Difference(
        "only the lists that were requested are there",
        BLOCK_LIST,
        r"/body/(Unc|C)ommittedBlocks",
        request="blocklisttype=(un)?committed",
        azurite="",
        azure="None",
    ),
    Difference(
        "a blob that has staged blocks only is not there yet",
        CONDITIONS,
        "outcome",
        request="^PUT /<container>/b$",
        case="put blob ends staged blocks",
        azurite="409 BlobAlreadyExists",
        azure="201",
    ),
    Difference(
        "Put Blob removes the staged blocks",
        "'Put Block'",
        r"outcome|result|/headers/.*|/body/.*",
        request="comp=blocklist",
        case="put blob ends staged blocks",
    ),
    Difference(
        "an id that is too long is not a valid value of the parameter",
        ERRORS,
        "outcome",
        case="blocks id is wrong",
        azurite="400 OutOfRangeInput",
        azure="400 InvalidQueryParameterValue",
    ),
    # --- lists
    Difference(
        "a list repeats only what was requested",
        RECORDED + "code download",
        r"/body/(MaxResults|Marker|Prefix)",
        azurite="5000|",
        azure="None",
    ),
    Difference(
        "a list has empty elements for what a blob does not have",
        RECORDED + "code download",
        r"/body/Blobs/Blob(#\d+)?/(OrMetadata|Metadata|Properties/C.*)",
        azurite="None",
        azure="",
    ),
    Difference(
        "a staged blob has the account's tier and encryption in a list",
        RECORDED + "code download",
        r"/body/Blobs/Blob(#\d+)?/Properties/(AccessTier.*|ServerEncrypted)",
        request="uncommittedblobs",
        azurite="None",
    ),
    Difference(
        "a marker is not a name, and its form is not documented",
        LIST_BLOBS,
        r"request|/body/(Next)?Marker",
        request="comp=list",
    ),
    # --- the account
    Difference(
        "the account has the kind that the seed says",
        "'Get Account Information'",
        r"/headers/x-ms-(sku-name|is-hns-enabled)",
        request="restype=account",
    ),
    # --- who may do what
    Difference(
        "with tokens switched on, Azurite rejects each signature of a key that is not right as no token",
        AUTHENTICATE,
        "outcome",
        azurite="400 InvalidAuthenticationInfo",
        azure="403 AuthenticationFailed",
    ),
    Difference(
        "with tokens switched on, Azurite does not know the short form of a signature",
        "'Authorize with Shared Key'",
        "outcome",
        case="short form",
        azurite="400 InvalidAuthenticationInfo",
        azure="200",
    ),
    Difference(
        "a request without a credential is told so, and how to get one",
        "'Authorize with Microsoft Entra ID', 'Bearer challenge'",
        "outcome",
        azurite="403 AuthorizationFailure",
        azure="401 NoAuthenticationInformation",
    ),
    Difference(
        "a signature that is wrong or out of its time does not authenticate",
        AUTHENTICATE,
        "outcome",
        azurite="403 AuthorizationFailure",
        azure="403 AuthenticationFailed",
    ),
    Difference(
        "an error of authentication has a detail, and its message no article",
        AUTHENTICATE,
        r"/body/(AuthenticationErrorDetail|Message)|/reason",
    ),
    Difference(
        "to overwrite without the right is an error of its own",
        ERRORS,
        "outcome",
        azurite="403 AuthorizationPermissionMismatch",
        azure="403 UnauthorizedBlobOverwrite",
    ),
    Difference(
        "a signature of a container opens no request to the container itself, whatever it permits",
        "'Create a service SAS'",
        "outcome",
        case="does not open the account",
        azurite="403 AuthorizationPermissionMismatch",
        azure="403 AuthorizationFailure",
    ),
    Difference(
        "Azurite ignores the address that a signature is for",
        ERRORS,
        "outcome",
        case="for one address",
        azurite="20[0126]",
        azure="403 AuthorizationSourceIPMismatch",
    ),
    Difference(
        "what is not a token has the wrong form",
        RECORDED + "Bearer that is no JWT",
        "outcome",
        case="no token",
        azurite="403 AuthenticationFailed",
        azure="400 InvalidAuthenticationInfo",
    ),
    Difference(
        "a token of another audience",
        RECORDED + "token of the wrong tenant or audience",
        "outcome",
        case="another audience",
        azurite="403 AuthenticationFailed",
        azure="401 InvalidAuthenticationInfo",
    ),
    Difference(
        "a key of a user delegation begins before it ends, and ends within seven days",
        "'Get User Delegation Key'",
        "outcome",
        request="userdelegationkey",
        azurite="200",
        azure="400 InvalidXmlNodeValue",
    ),
]
