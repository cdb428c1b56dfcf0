// Owning pointers to OpenSSL's objects.
#ifndef COMMON_SECURITY_OPENSSL_POINTERS_H_
#define COMMON_SECURITY_OPENSSL_POINTERS_H_

#include <memory>

#include "openssl/bio.h"
#include "openssl/evp.h"
#include "openssl/x509.h"

namespace rmq {

template <typename T, void (*free)(T*)>
struct OpensslDeleter {
  void operator()(T* object) const { free(object); }
};
template <typename T, void (*free)(T*)>
using OpensslPointer = std::unique_ptr<T, OpensslDeleter<T, free>>;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

using BioPointer = std::unique_ptr<BIO, BioDeleter>;
using X509Pointer = OpensslPointer<X509, &X509_free>;
using X509CrlPointer = OpensslPointer<X509_CRL, &X509_CRL_free>;
using KeyPointer = OpensslPointer<EVP_PKEY, &EVP_PKEY_free>;

}  // namespace rmq

#endif  // COMMON_SECURITY_OPENSSL_POINTERS_H_
