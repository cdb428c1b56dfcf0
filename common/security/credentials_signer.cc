#include "common/security/credentials_signer.h"

#include <utility>

#include "common/kv.h"
#include "common/mutex_lock.h"
#include "common/security/mqv2_authorization.h"
#include "glog/logging.h"

namespace rmq {

absl::StatusOr<std::shared_ptr<const CredentialsSigner::Key>>
CredentialsSigner::MakeKey(const Credentials& credentials) {
  absl::StatusOr<HmacSha1> secret = HmacSha1::Create(credentials.secret_key);
  if (!secret.ok()) return secret.status();
  return std::make_shared<const Key>(
      Key{credentials.access_key, *std::move(secret)});
}

absl::StatusOr<std::unique_ptr<CredentialsSigner>> CredentialsSigner::Create(
    const Credentials& credentials, Clock* clock) {
  // The constructor is private.
  std::unique_ptr<CredentialsSigner> signer(
      new CredentialsSigner(credentials.credentials_file, clock));
  absl::StatusOr<Credentials> read = credentials;
  if (!signer->file_.empty()) read = ReadCredentialsFile(signer->file_);
  if (!read.ok()) return read.status();
  absl::StatusOr<std::shared_ptr<const Key>> key = MakeKey(*read);
  if (!key.ok()) return key.status();
  MutexLock lock(&signer->mu_);
  signer->key_ = *std::move(key);
  return signer;
}

void CredentialsSigner::ReadIfChanged() {
  if (file_.empty() || !changes_.HaveChanged()) return;
  const absl::StatusOr<Credentials> read = ReadCredentialsFile(file_);
  absl::StatusOr<std::shared_ptr<const Key>> key =
      read.ok() ? MakeKey(*read) : read.status();
  if (key.ok()) {
    key_ = *std::move(key);
    ++generation_;
    LOG(INFO) << "credentials read anew" << Kv("file", file_)
              << Kv("access_key", key_->access_key);
  } else {
    LOG(WARNING) << "credentials not read anew: the earlier ones stay"
                 << Kv("file", file_) << Kv("error", key.status().ToString());
  }
}

uint64_t CredentialsSigner::generation() {
  MutexLock lock(&mu_);
  ReadIfChanged();
  return generation_;
}

absl::StatusOr<CallSignature> CredentialsSigner::Sign() {
  std::shared_ptr<const Key> key;
  {
    MutexLock lock(&mu_);
    ReadIfChanged();
    key = key_;
  }
  CallSignature call;
  call.date_time = FormatMqv2DateTime(clock_.ClockToWall(clock_.TimeNow()));
  const absl::StatusOr<HmacSha1Signature> signature =
      key->secret.Sign(call.date_time);
  if (!signature.ok()) return signature.status();
  call.authorization = FormatMqv2Authorization(key->access_key, *signature);
  return call;
}

}  // namespace rmq
